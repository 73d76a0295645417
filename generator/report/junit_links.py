"""The links of a mail chain as JUnit XML: one suite, a test case a link."""

from __future__ import annotations

import re

from lxml import etree

from generator.mail.interface import LinkResult, Verdict, Verification

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write(verification: Verification, *, environment: str, asked: str) -> str:
    """Write the suite.

    Args:
        verification: The chain.
        environment: Its name.
        asked: `local` or `instance`.
    """
    links = verification.links
    suites = etree.Element("testsuites", name="sn-smtp verify")
    suite = etree.SubElement(suites, "testsuite", name=_legal(f"{environment} ({asked})"))
    for link in links:
        _case(suite, link, f"{environment}.{asked}")
    for element in (suites, suite):
        element.set("tests", str(len(links)))
        element.set("failures", str(_count(verification, Verdict.FAILED)))
        element.set("skipped", str(_count(verification, Verdict.SKIPPED)))
        element.set("errors", "0")
        element.set("time", f"{sum(link.seconds for link in links):.3f}")
    return etree.tostring(
        suites, pretty_print=True, xml_declaration=True, encoding="US-ASCII"
    ).decode()


def _case(suite: etree._Element, link: LinkResult, group: str) -> None:
    case = etree.SubElement(
        suite,
        "testcase",
        name=_legal(f"{link.name} {link.title}"),
        classname=_legal(group),
        time=f"{link.seconds:.3f}",
    )
    said = _legal(link.answered)
    causes = "\n".join(f"{cause.what} Fix: {cause.fix}" for cause in link.causes)
    if link.verdict is Verdict.FAILED:
        failure = etree.SubElement(case, "failure", type=_legal(link.code), message=said)
        failure.text = _legal(causes)
    elif link.verdict is Verdict.SKIPPED:
        etree.SubElement(case, "skipped", message=said)
    else:
        text = "\n".join(part for part in (said, _legal(causes)) if part)
        etree.SubElement(case, "system-out").text = text


def _count(verification: Verification, verdict: Verdict) -> int:
    return sum(link.verdict is verdict for link in verification.links)


def _legal(text: str) -> str:
    """Text without the characters that XML cannot carry."""
    return _ILLEGAL.sub("\ufffd", text)
