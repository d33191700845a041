"""A gRPC server that passes calls on to Firestore unless told to fail: the network between the
job and Google.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio


@dataclass(kw_only=True)
class Fault:
    """Fails calls of one method: before they arrive, after their effect, or holding them back
    until `deliver`.
    """

    method: str
    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE
    details: str = "Injected by the test."
    effect: str = "none"
    """none, full or late."""
    times: int = 1


class Network(grpc.GenericRpcHandler):
    """Knows calls by the last part of their name (Commit, BatchGetDocuments, RunQuery,
    RunAggregationQuery).
    """

    def __init__(self, upstream: Any) -> None:
        self.faults: list[Fault] = []
        self.calls: list[str] = []
        self._upstream = upstream
        self._late: list[tuple[str, bytes, Any]] = []

    def service(self, details: Any) -> Any:
        async def carry(request: bytes, context: Any) -> AsyncIterator[bytes]:
            metadata = [
                (key, value)
                for key, value in context.invocation_metadata()
                if key == "authorization"
            ]
            async for answer in self._carry(details.method, request, metadata, context):
                yield answer

        return grpc.unary_stream_rpc_method_handler(carry)  # type: ignore[no-untyped-call]

    async def _carry(
        self, method: str, request: bytes, metadata: Any, context: Any
    ) -> AsyncIterator[bytes]:
        name = method.rpartition("/")[2]
        self.calls.append(name)
        fault = self._fault(name)
        if fault and fault.effect == "late":
            self._late.append((method, request, metadata))
        if fault and fault.effect != "full":
            await context.abort(fault.code, fault.details)
        try:
            answers = [
                answer
                async for answer in self._upstream.unary_stream(method)(request, metadata=metadata)
            ]
        except grpc.aio.AioRpcError as error:
            await context.abort(error.code(), error.details())
        if fault:
            await context.abort(fault.code, fault.details)
        for answer in answers:
            yield answer

    def _fault(self, name: str) -> Fault | None:
        for fault in self.faults:
            if fault.method == name and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    async def deliver(self) -> list[grpc.StatusCode]:
        """Lets the late calls arrive at last, and tells how each ended."""
        ends = []
        for method, request, metadata in self._late:
            try:
                [
                    answer
                    async for answer in self._upstream.unary_stream(method)(
                        request, metadata=metadata
                    )
                ]
                ends.append(grpc.StatusCode.OK)
            except grpc.aio.AioRpcError as error:
                ends.append(error.code())
        return ends


@asynccontextmanager
async def network(firestore: str) -> AsyncIterator[tuple[str, Network]]:
    """`host:port` of a network in front of Firestore, and its faults."""
    server = grpc.aio.server()
    async with grpc.aio.insecure_channel(firestore) as upstream:
        between = Network(upstream)
        server.add_generic_rpc_handlers((between,))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            yield f"127.0.0.1:{port}", between
        finally:
            await server.stop(grace=None)
