"""Which language model is asked: an endpoint, a file, or the packaged one; in that order."""

from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from workers.llm.errors import NotConfigured
from workers.llm.types import Price, Provider


def provider() -> Provider:
    """What the settings name.

    Raises:
        NotConfigured: says what to set or to install.
    """
    if settings.LLM_BASE_URL:
        if not settings.LLM_MODEL:
            raise NotConfigured("LLM_BASE_URL is set and LLM_MODEL is not: name the model.")
        return _endpoint(
            settings.LLM_BASE_URL, settings.LLM_MODEL, settings.LLM_API_KEY,
            settings.LLM_PRICE, settings.LLM_CONCURRENCY,
        )  # fmt: skip
    return _file(str(settings.LLM_GGUF))


@lru_cache(maxsize=2)
def _endpoint(base_url: str, model: str, key: str, price: str, concurrency: int) -> Provider:
    from workers.llm.endpoint import Endpoint

    return Endpoint(
        base_url=base_url, model=model, key=key, price=read_price(price),
        concurrency=max(1, concurrency),
    )  # fmt: skip


@lru_cache(maxsize=2)
def _file(path: str) -> Provider:
    from workers.llm.gguf import GgufFile, packaged_file

    return GgufFile(Path(path).expanduser()) if path else GgufFile(packaged_file(), is_small=True)


def writes_freely(asked: Provider) -> bool:
    """Whether a provider writes (the open form), or chooses from what is written for it (closed).

    Raises:
        NotConfigured: LLM_WRITES is neither open, closed nor auto.
    """
    wanted = str(settings.LLM_WRITES)
    if wanted not in ("open", "closed", "auto"):
        raise NotConfigured(f"LLM_WRITES is '{wanted}': set it to open, closed or auto.")
    return wanted == "open" or (wanted == "auto" and not asked.is_small)


def read_price(text: str) -> Price:
    """Of a million tokens given and made, as "0.15/0.60"; "" is nothing.

    Raises:
        NotConfigured: it is neither.
    """
    if not text:
        return Price()
    given, slash, made = text.partition("/")
    try:
        if not slash:
            raise InvalidOperation
        price = Price(input=Decimal(given), output=Decimal(made))
    except InvalidOperation as error:
        raise NotConfigured(
            f"LLM_PRICE is '{text}': write the price of a million tokens given and made, 0.15/0.60."
        ) from error
    return price
