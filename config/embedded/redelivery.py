"""Tasks that a killed worker was running go back to their queue when it starts again."""

import json

import kombu
import redis
from kombu.exceptions import OperationalError
from kombu.transport.redis import Channel, QoS
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.embedded.errors import EmbeddedError


def redeliver(*, broker_url: str, queue: str) -> int:
    """Put every unacknowledged task of a queue back in front of it; returns how many.

    The broker would do so only when its visibility timeout is over, which is hours. Only for a
    queue whose one worker is known to be dead: what a living one runs would be run twice.

    Raises:
        EmbeddedError: The broker does not answer.
    """
    # Asked first because kombu would sleep and try again, and the supervisor's loop must not wait.
    client = redis.Redis.from_url(broker_url, socket_timeout=5, retry=Retry(NoBackoff(), 0))
    try:
        client.ping()
        with kombu.Connection(broker_url) as connection, connection.channel() as channel:
            return _restore(channel, queue=queue)
    except (redis.RedisError, OperationalError) as error:
        raise EmbeddedError(f"the broker does not answer: {error}") from None
    finally:
        client.close()


def _restore(channel: object, *, queue: str) -> int:
    qos = channel.qos if isinstance(channel, Channel) else None
    if not isinstance(channel, Channel) or not isinstance(qos, QoS):
        raise TypeError("tasks can be given back on Redis and Valkey only")
    with channel.conn_or_acquire() as client:
        entries = client.hgetall(channel.unacked_key)
    count = 0
    for tag, entry in entries.items():
        _message, _exchange, routing_key = json.loads(entry)
        if routing_key == queue:
            qos.restore_by_tag(tag.decode() if isinstance(tag, bytes) else tag)
            count += 1
    return count
