"""The output `webhook`: tells a chat, or anything else that takes JSON over HTTP, of each event."""

import json

import httpx

from bridge import Batch, Output, OutputConfig, Rejected, Retryable
from bridge.config import Secret


class WebhookConfig(OutputConfig):
    """Post each event as {"text": its message} to a URL; use `only` to choose the events."""

    url: Secret
    """Where to; a secret, because whoever knows it can write there."""


class Webhook(Output):
    Config = WebhookConfig
    client: httpx.AsyncClient | None = None

    async def connect(self) -> None:
        self.client = httpx.AsyncClient(timeout=10)

    async def send(self, batch: Batch) -> None:
        rejected = []
        for index, message in enumerate(batch.messages()):
            text = json.loads(message)["short_message"]
            try:
                answer = await self.client.post(self.config.url.reveal(), json={"text": text})
            except httpx.HTTPError as error:
                raise Retryable(f"the webhook cannot be reached: {error}") from None
            if answer.status_code >= 500 or answer.status_code == 429:
                raise Retryable(f"the webhook answers {answer.status_code}")
            if answer.is_error:
                rejected.append(index)
        if rejected:
            raise Rejected(rejected, "the webhook refused it")

    async def close(self) -> None:
        client, self.client = self.client, None
        if client:
            await client.aclose()
