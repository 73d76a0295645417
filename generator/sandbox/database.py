"""The sandbox's rows: one SQLite file or memory, no business rules.

A row is a mapping of column to stored string. It lies under its own class and is found under each
parent of that class, as on an instance.
"""

from __future__ import annotations

import json
import random
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from generator.clock import Clock
from generator.sandbox.dictionary import Dictionary
from generator.sandbox.query import parse
from generator.sandbox.query_sql import Query, compile_query, value_sql

Row = dict[str, str]
"""One record: column to stored string; always with `sys_id`."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    class TEXT NOT NULL, sys_id TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (class, sys_id)
);
CREATE TABLE IF NOT EXISTS learnt (name TEXT PRIMARY KEY, extends TEXT, columns TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS opening (number INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS content (sys_id TEXT PRIMARY KEY, data BLOB NOT NULL);
"""

INDEXED = ("name", "remote_update", "remote_update_set", "update_set", "user")
"""Columns that are looked up again and again where a set has thousands of updates."""

MOMENT = "%Y-%m-%d %H:%M:%S"
"""How an instance stores a date-time, UTC."""


class DuplicateError(ValueError):
    """A record with this sys_id is already there."""


class Database:
    """Rows of one sandbox, behind one lock."""

    def __init__(
        self,
        path: Path | None,
        *,
        dictionary: Dictionary,
        clock: Clock,
        randomness: random.Random,
    ) -> None:
        """Open or make the database.

        Args:
            path: The SQLite file; None keeps everything in memory.
            dictionary: Tables; learns again what earlier payloads brought.
            clock: For stamps.
            randomness: For sys_ids; a seeded one makes runs reproducible.
        """
        self.dictionary = dictionary
        self._clock = clock
        self._random = randomness
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(
            ":memory:" if path is None else str(path),
            check_same_thread=False,
            isolation_level=None,
        )
        if path is not None:
            self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.executescript(_SCHEMA)
        for name in INDEXED:
            value = value_sql(name, row="data")
            self._connection.execute(
                f"CREATE INDEX IF NOT EXISTS record_{name} ON record "
                f"(class, {value} COLLATE NOCASE, sys_id)"
            )
        for name, extends, columns in self._connection.execute("SELECT * FROM learnt"):
            dictionary.ensure_table(name, extends=extends, columns=json.loads(columns))
        dictionary.on_learn = self._keep_table
        self._connection.execute("INSERT INTO opening VALUES (NULL)")
        [(openings,)] = self._connection.execute("SELECT COUNT(*) FROM opening")
        if openings > 1:
            # Else a kept database would be given the ids that it has.
            randomness.seed(f"{randomness.getrandbits(128)}/{openings}")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def new_id(self) -> str:
        """A fresh sys_id: 32 hex digits."""
        return f"{self._random.getrandbits(128):032x}"

    def now(self) -> str:
        """The present moment as it is stored."""
        return self._clock.now().strftime(MOMENT)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; nests."""
        with self._lock:
            name = f"level{self._depth}"
            self._connection.execute(f"SAVEPOINT {name}")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._connection.execute(f"ROLLBACK TO {name}")
                raise
            finally:
                self._depth -= 1
                self._connection.execute(f"RELEASE {name}")

    def insert(
        self, table: str, values: Mapping[str, str], *, by: str, sys_id: str | None = None
    ) -> Row:
        """Make a record, with stamps.

        Args:
            table: Its class.
            values: Columns to set; stamps in it are overwritten.
            by: User name for the stamps.
            sys_id: Its sys_id instead of a random one.

        Raises:
            DuplicateError: That sys_id is taken.
        """
        now = self.now()
        row = {
            **values,
            "sys_id": sys_id or self.new_id(),
            "sys_created_by": by,
            "sys_created_on": now,
            "sys_updated_by": by,
            "sys_updated_on": now,
            "sys_mod_count": "0",
        }
        if self.dictionary.is_extended(table):
            row["sys_class_name"] = table
        try:
            self._execute(
                "INSERT INTO record VALUES (?, ?, ?)", (table, row["sys_id"], json.dumps(row))
            )
        except sqlite3.IntegrityError:
            raise DuplicateError(f"{table} already has a record {row['sys_id']}.") from None
        return row

    def put(self, table: str, values: Mapping[str, str]) -> Row:
        """Write a whole record by `values["sys_id"]` as it is given, no stamps: a commit."""
        row = dict(values)
        if self.dictionary.is_extended(table):
            row.setdefault("sys_class_name", table)
        self._execute(
            "INSERT OR REPLACE INTO record VALUES (?, ?, ?)",
            (table, row["sys_id"], json.dumps(row)),
        )
        return row

    def update(self, table: str, sys_id: str, values: Mapping[str, str], *, by: str) -> Row | None:
        """Change columns of a record, with stamps; None if it is not there."""
        with self._lock:
            found = self._find(table, sys_id)
            if found is None:
                return None
            kept, row = found
            row.update(values)
            count = row.get("sys_mod_count", "0")
            row["sys_id"] = sys_id
            row["sys_updated_by"] = by
            row["sys_updated_on"] = self.now()
            row["sys_mod_count"] = str(int(count) + 1 if count.isdigit() else 1)
            self._execute(
                "UPDATE record SET data = ? WHERE class = ? AND sys_id = ?",
                (json.dumps(row), kept, sys_id),
            )
            return row

    def delete(self, table: str, sys_id: str) -> bool:
        """Remove a record of the table or a descendant; whether there was one."""
        with self._lock:
            found = self._find(table, sys_id)
            if found is None:
                return False
            self._execute("DELETE FROM record WHERE class = ? AND sys_id = ?", (found[0], sys_id))
            return True

    def get(self, table: str, sys_id: str) -> Row | None:
        """One record of the table or a descendant."""
        found = self._find(table, sys_id)
        return found[1] if found else None

    def query(
        self,
        table: str,
        encoded: str = "",
        *,
        user: Mapping[str, str] | None = None,
        limit: int | None = None,
        offset: int = 0,
        strict: bool = False,
    ) -> list[Row]:
        """Records that an encoded query finds, in its order, else by sys_id.

        Args:
            table: The table; descendants' rows are found, too.
            encoded: `spec/instance-http.md` A15; see `generator.sandbox.query`.
            user: Row of `sys_user` for `javascript:gs.getUserName()`.
            limit: The most rows.
            offset: Rows to leave out at the start.
            strict: Whether an invalid condition finds nothing, instead of being dropped.
        """
        compiled = self.compile(table, encoded, user=user, strict=strict)
        rows = self._execute(
            f"SELECT data FROM record AS r0 WHERE {compiled.where} "  # noqa: S608 - parts are ours
            f"ORDER BY {compiled.order} LIMIT ? OFFSET ?",
            (*compiled.parameters, -1 if limit is None else limit, offset),
        )
        return [json.loads(data) for (data,) in rows]

    def count(
        self,
        table: str,
        encoded: str = "",
        *,
        user: Mapping[str, str] | None = None,
        strict: bool = False,
    ) -> int:
        """Number of records that an encoded query finds."""
        compiled = self.compile(table, encoded, user=user, strict=strict)
        # The order may have parameters of its own, so it stays in.
        rows = self._execute(
            f"SELECT COUNT(*) FROM (SELECT 1 FROM record AS r0 WHERE {compiled.where} "  # noqa: S608
            f"ORDER BY {compiled.order})",
            compiled.parameters,
        )
        return int(rows[0][0])

    def compile(
        self,
        table: str,
        encoded: str,
        *,
        user: Mapping[str, str] | None = None,
        strict: bool = False,
    ) -> Query:
        """The SQL of an encoded query, with what was dropped from it."""
        return compile_query(
            parse(encoded),
            table=table,
            dictionary=self.dictionary,
            user=user or {},
            now=self._clock.now(),
            strict=strict,
        )

    def put_content(self, sys_id: str, data: bytes) -> None:
        """Keep the bytes of an attachment."""
        self._execute("INSERT OR REPLACE INTO content VALUES (?, ?)", (sys_id, data))

    def content(self, sys_id: str) -> bytes | None:
        """The bytes of an attachment."""
        rows = self._execute("SELECT data FROM content WHERE sys_id = ?", (sys_id,))
        data = rows[0][0] if rows else None
        return data if isinstance(data, bytes) else None

    def delete_content(self, sys_id: str) -> None:
        """Forget the bytes of an attachment."""
        self._execute("DELETE FROM content WHERE sys_id = ?", (sys_id,))

    def _find(self, table: str, sys_id: str) -> tuple[str, Row] | None:
        classes = (table, *self.dictionary.children(table))
        marks = ", ".join("?" * len(classes))
        rows = self._execute(
            f"SELECT class, data FROM record WHERE class IN ({marks}) AND sys_id = ?",  # noqa: S608
            (*classes, sys_id),
        )
        return (str(rows[0][0]), json.loads(rows[0][1])) if rows else None

    def _keep_table(self, name: str, extends: str | None, columns: tuple[str, ...]) -> None:
        self._execute(
            "INSERT OR REPLACE INTO learnt VALUES (?, ?, ?)", (name, extends, json.dumps(columns))
        )

    def _execute(
        self, sql: str, parameters: tuple[str | int | bytes | None, ...]
    ) -> list[tuple[str | bytes, ...]]:
        with self._lock:
            return self._connection.execute(sql, parameters).fetchall()
