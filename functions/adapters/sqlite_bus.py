"""Pub/Sub on one machine: topics fan out to subscriptions, each message is delivered until acked.

    publish ─► messages ─► one row in `queue` for every subscription of the topic
                             │ due: lease until the ack deadline ──► ack: gone
                             │        nack, or no answer in time ──► due again after the backoff
                             └ delivered too often ──► a new message on the dead-letter topic

Every arrow is one transaction, and what it committed survives kill -9 and power loss. A topic
without a subscription loses its messages, as Pub/Sub's do.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection, Row
from sqlite3 import Error as SqliteError

from functions.adapters.sqlite_file import SqliteFile, micros, moment
from schemas.events import Event
from schemas.ports import NotPublished
from schemas.subscriptions import Backlog, ReceivedMessage, Subscription, dead_letter
from schemas.wire import Message, from_json, message_of, to_json

PROJECT = "laptop"
"""What dead letters name as their subscription's project."""

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS subscriptions (
        name TEXT PRIMARY KEY, topic TEXT NOT NULL, push INTEGER NOT NULL, document BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT, published_at INTEGER NOT NULL,
        attributes BLOB NOT NULL, data BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS queue (
        subscription TEXT NOT NULL, message INTEGER NOT NULL, due_at INTEGER NOT NULL,
        deliveries INTEGER NOT NULL DEFAULT 0, leased INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (subscription, message)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS queue_due ON queue (subscription, due_at)",
    "CREATE INDEX IF NOT EXISTS queue_message ON queue (message)",
    """CREATE TABLE IF NOT EXISTS counts (
        minute INTEGER NOT NULL, subscription TEXT NOT NULL, published INTEGER NOT NULL DEFAULT 0,
        acknowledged INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (minute, subscription)
    ) STRICT, WITHOUT ROWID""",
)
_ROWS = """SELECT q.*, m.published_at, m.attributes, m.data, s.document
    FROM queue q JOIN messages m ON m.id = q.message JOIN subscriptions s ON s.name = q.subscription
"""
COUNTED = 10
"""Minutes of which a bus knows how many messages came and left; the one that runs is among them."""
_MINUTE = 60_000_000
_LATELY = "subscription = s.name AND minute >= ?"
_NEVER = datetime.max.replace(tzinfo=UTC)
_PUSHED = "(SELECT name FROM subscriptions WHERE push)"


class SqliteBus:
    """A Publisher and its subscriptions, for any number of threads and processes."""

    def __init__(
        self,
        path: Path,
        *,
        source: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`source` is the CloudEvents source of what is published here."""
        self._file = SqliteFile(path, _SCHEMA)
        self._source = source
        self._clock = clock
        self._mine = threading.local()
        """Of each thread that leases: how the file was when nothing was due, and until when."""

    def declare(self, subscriptions: Sequence[Subscription]) -> None:
        """Have exactly these subscriptions. Those that stay keep their messages.

        Also forgets messages past their retention.
        """
        with self._file.writing() as db:
            kept = {subscription.name for subscription in subscriptions}
            for row in db.execute("SELECT name FROM subscriptions").fetchall():
                if row["name"] not in kept:
                    db.execute("DELETE FROM subscriptions WHERE name = ?", (row["name"],))
                    db.execute("DELETE FROM queue WHERE subscription = ?", (row["name"],))
            for one in subscriptions:
                db.execute(
                    "INSERT OR REPLACE INTO subscriptions VALUES (?, ?, ?, ?)",
                    (str(one.name), str(one.topic), one.push, to_json(one)),
                )
                self._forget(db, one)
            db.execute("DELETE FROM messages WHERE id NOT IN (SELECT message FROM queue)")

    def publish(self, topic: str, event: Event) -> None:
        """Returns once the message is stored: it will be delivered at least once.

        Raises NotPublished, or OSError where the disk is full or broken.
        """
        self.publish_all(topic, (event,))

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        """All of them or none, in one transaction. Raises as `publish` does."""
        self._put(topic, [message_of(event, self._source) for event in events])

    def publish_message(self, topic: str, message: Message) -> None:
        """Any message, also one that no subscriber can read. Raises as `publish` does."""
        self._put(topic, (message,))

    def _put(self, topic: str, messages: Sequence[Message]) -> None:
        try:
            with self._file.writing() as db:
                for message in messages:
                    _fan_out(db, topic, message, self._clock())
        except SqliteError as error:
            raise NotPublished(f"{topic}: {error}") from error

    def lease(self, limit: int, now: datetime) -> Sequence[ReceivedMessage]:
        """Due messages of the push subscriptions, the longest due first.

        They are the caller's until the ack deadline, and come again if it says nothing till then.
        Where nothing was due it is cheap to ask again, many times a second.
        """
        state = self._file.state
        if state == getattr(self._mine, "state", None) and now < self._mine.next:
            return ()
        taken = self._take(f"subscription IN {_PUSHED}", (), limit, now)
        self._mine.state, self._mine.next = (None, now) if taken else (state, self._next())
        return taken

    def pull(self, subscription: str, limit: int, now: datetime) -> Sequence[ReceivedMessage]:
        """Due messages of one subscription, as `lease` gives them."""
        return self._take("subscription = ?", (subscription,), limit, now)

    def peek(
        self, subscription: str, *, after_id: str = "0", limit: int | None = None
    ) -> Sequence[ReceivedMessage]:
        """Messages of one subscription in the order of their ids, without taking them."""
        query = f"{_ROWS} WHERE q.subscription = ? AND q.message > ? ORDER BY q.message LIMIT ?"
        values = (subscription, int(after_id), -1 if limit is None else limit)
        return tuple(map(_received, self._file.reading.execute(query, values)))

    def backlogs(self, now: datetime) -> Sequence[Backlog]:
        """What every subscription holds, by name, and what went through it in the last minutes."""
        query = f"""SELECT s.name, count(q.message) AS depth, total(q.leased) AS leased,
            (SELECT published_at FROM messages WHERE id =
                (SELECT min(message) FROM queue WHERE subscription = s.name)) AS oldest,
            (SELECT total(published) FROM counts WHERE {_LATELY}) AS published,
            (SELECT total(acknowledged) FROM counts WHERE {_LATELY}) AS acknowledged
            FROM subscriptions s LEFT JOIN queue q ON q.subscription = s.name
            GROUP BY s.name ORDER BY s.name"""
        first = _minute(now) - COUNTED + 1
        span = now - moment(first * _MINUTE)
        return tuple(
            Backlog(
                subscription=row["name"],
                depth=row["depth"],
                in_delivery=int(row["leased"]),
                oldest_at=None if row["oldest"] is None else moment(row["oldest"]),
                published=int(row["published"]),
                acknowledged=int(row["acknowledged"]),
                span=span,
            )
            for row in self._file.reading.execute(query, (first, first)).fetchall()
        )

    def ack(self, ack_id: str) -> None:
        """Done with it: it never comes again. Late or repeated it does no harm."""
        self.ack_all((ack_id,))

    def ack_all(self, ack_ids: Sequence[str]) -> None:
        """The same of several, in one transaction."""
        with self._file.writing() as db:
            for ack_id in ack_ids:
                subscription, message, _ = _named(ack_id)
                _remove(db, subscription, message, self._clock())

    def nack(self, ack_id: str, now: datetime) -> None:
        """It failed: it comes again after the backoff, or goes to the dead-letter topic.

        Does nothing for a delivery whose time was over.
        """
        subscription, message, deliveries = _named(ack_id)
        with self._file.writing() as db:
            for row in _rows(db, subscription, message):
                if row["leased"] and row["deliveries"] == deliveries:
                    _fail(db, row, now)

    def _take(
        self, where: str, values: tuple[str, ...], limit: int, now: datetime
    ) -> Sequence[ReceivedMessage]:
        # The keys come from the index alone, so that a long queue costs little.
        keys = f"""SELECT subscription, message FROM queue
            WHERE {where} AND due_at <= ? ORDER BY due_at, message LIMIT ?"""
        if not self._file.reading.execute(keys, (*values, micros(now), limit)).fetchone():
            return ()
        taken: list[Row] = []
        with self._file.writing() as db:
            # A lease that ran out leads to a pause or away, so the rows behind it move up.
            while due := db.execute(keys, (*values, micros(now), limit - len(taken))).fetchall():
                for row in (row for key in due for row in _rows(db, *key)):
                    if row["leased"]:
                        _fail(db, row, now)
                    else:
                        taken.append(_lease(db, row, now))
        return tuple(map(_received, taken))

    def _next(self) -> datetime:
        """When the next message of a push subscription is due, as it stands now."""
        query = f"SELECT min(due_at) FROM queue WHERE subscription IN {_PUSHED}"
        due_at = self._file.reading.execute(query).fetchone()[0]
        return _NEVER if due_at is None else moment(due_at)

    def _forget(self, db: Connection, subscription: Subscription) -> None:
        oldest = micros(self._clock() - subscription.retention)
        db.execute(
            """DELETE FROM queue WHERE subscription = ?
                AND message IN (SELECT id FROM messages WHERE published_at < ?)""",
            (subscription.name, oldest),
        )


def _fan_out(db: Connection, topic: str, message: Message, now: datetime) -> None:
    readers = db.execute("SELECT name FROM subscriptions WHERE topic = ?", (str(topic),)).fetchall()
    if not readers:
        return
    values = (micros(now), to_json(message.attributes), message.data)
    id = db.execute(
        "INSERT INTO messages (published_at, attributes, data) VALUES (?, ?, ?)", values
    ).lastrowid
    db.executemany(
        "INSERT INTO queue (subscription, message, due_at) VALUES (?, ?, ?)",
        [(reader["name"], id, micros(now)) for reader in readers],
    )
    for reader in readers:
        _count(db, reader["name"], "published", now)


def _rows(db: Connection, subscription: str, message: int) -> list[Row]:
    """The row with its message and its subscription's rules, or nothing if it is gone."""
    query = f"{_ROWS} WHERE q.subscription = ? AND q.message = ?"
    return db.execute(query, (subscription, message)).fetchall()


def _lease(db: Connection, row: Row, now: datetime) -> Row:
    """The row as it is afterwards."""
    deadline = now + _subscription(row).ack_deadline
    key = row["subscription"], row["message"]
    db.execute(
        """UPDATE queue SET leased = 1, due_at = ?, deliveries = deliveries + 1
            WHERE subscription = ? AND message = ?""",
        (micros(deadline), *key),
    )
    return _rows(db, *key)[0]


def _fail(db: Connection, row: Row, now: datetime) -> None:
    subscription, deliveries = _subscription(row), row["deliveries"]
    if (topic := subscription.gives_up_to(deliveries)) is not None:
        _fan_out(db, topic, dead_letter(_received(row), PROJECT), now)
        _remove(db, row["subscription"], row["message"], now)
        return
    due = now + subscription.backoff(deliveries)
    db.execute(
        "UPDATE queue SET leased = 0, due_at = ? WHERE subscription = ? AND message = ?",
        (micros(due), row["subscription"], row["message"]),
    )


def _remove(db: Connection, subscription: str, message: int, now: datetime) -> None:
    gone = db.execute(
        "DELETE FROM queue WHERE subscription = ? AND message = ?", (subscription, message)
    )
    if gone.rowcount:
        _count(db, subscription, "acknowledged", now)
    db.execute(
        """DELETE FROM messages WHERE id = ?
            AND NOT EXISTS (SELECT 1 FROM queue WHERE message = ?)""",
        (message, message),
    )


def _count(db: Connection, subscription: str, what: str, now: datetime) -> None:
    """One more; what is long ago is forgotten."""
    minute = _minute(now)
    # `what` is a column of ours.
    db.execute(
        f"""INSERT INTO counts (minute, subscription, {what}) VALUES (?, ?, 1)
            ON CONFLICT DO UPDATE SET {what} = {what} + 1""",
        (minute, subscription),
    )
    db.execute("DELETE FROM counts WHERE minute < ?", (minute - COUNTED,))


def _minute(now: datetime) -> int:
    return micros(now) // _MINUTE


def _received(row: Row) -> ReceivedMessage:
    return ReceivedMessage(
        ack_id=f"{row['message']}/{row['deliveries']}/{row['subscription']}",
        subscription=row["subscription"],
        message_id=str(row["message"]),
        publish_time=moment(row["published_at"]),
        attributes=from_json(row["attributes"], dict[str, str]),
        data=row["data"],
        delivery_attempt=row["deliveries"],
    )


def _named(ack_id: str) -> tuple[str, int, int]:
    message, deliveries, subscription = ack_id.split("/", 2)
    return subscription, int(message), int(deliveries)


def _subscription(row: Row) -> Subscription:
    return from_json(row["document"], Subscription)
