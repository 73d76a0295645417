// Loaded into ServiceNow's SDK before its own code: what it does here must need no network, so
// every connection fails at once, and says so on stderr where the caller looks for it.
'use strict'

const dns = require('node:dns')
const net = require('node:net')

function refusal(target) {
    process.stderr.write(`refused by offline.cjs: ${target}\n`)
    return Object.assign(new Error(`no network here: ${target}`), { code: 'ENETUNREACH' })
}

net.Socket.prototype.connect = function connect(...given) {
    const options = given.flat()[0]
    const error = refusal(`${options.host ?? options.path ?? 'local'}:${options.port ?? ''}`)
    process.nextTick(() => this.destroy(error))
    return this
}

dns.lookup = function lookup(host, ...rest) {
    process.nextTick(rest[rest.length - 1], refusal(host))
}

dns.promises.lookup = async function lookup(host) {
    throw refusal(host)
}
