"""One schema for both ways in, the journal and OTLP; records, dirty cycles, facts.

Read in this order: ``sqlite/schema`` (what is kept), ``store`` (what can be done with a store), ``opening``,
``transaction``, ``decode`` (from the wire to records), ``records``, ``rejections``, ``components``, ``folding`` (facts
beside the records), ``reading``, ``ingest``, ``settings``; then ``observation``, ``series`` and ``outbox`` (what a
collector keeps), and ``maintenance``. ``sqlite`` and ``postgres`` hold what the two databases do not have in common.
"""

from cycletrace._internal.store.decode import Rejected as Rejected
from cycletrace._internal.store.decode import decode_event as decode_event
from cycletrace._internal.store.decode import decode_span as decode_span
from cycletrace._internal.store.errors import StoreError as StoreError
from cycletrace._internal.store.folding import Refolded as Refolded
from cycletrace._internal.store.ingest import Counted as Counted
from cycletrace._internal.store.ingest import Ingested as Ingested
from cycletrace._internal.store.ingest import decode_document as decode_document
from cycletrace._internal.store.ingest import ingest as ingest
from cycletrace._internal.store.location import DatabaseUrl as DatabaseUrl
from cycletrace._internal.store.location import Location as Location
from cycletrace._internal.store.location import parse_location as parse_location
from cycletrace._internal.store.maintenance import backup as backup
from cycletrace._internal.store.maintenance import info as info
from cycletrace._internal.store.maintenance import prune as prune
from cycletrace._internal.store.opening import FILE as FILE
from cycletrace._internal.store.opening import open_for_collector as open_for_collector
from cycletrace._internal.store.opening import open_reader as open_reader
from cycletrace._internal.store.opening import open_store as open_store
from cycletrace._internal.store.outbox import Parcel as Parcel
from cycletrace._internal.store.records import Added as Added
from cycletrace._internal.store.rejections import Rejection as Rejection
from cycletrace._internal.store.rejections import rejection as rejection
from cycletrace._internal.store.settings import StoreSettings as StoreSettings
from cycletrace._internal.store.store import Store as Store
from cycletrace._internal.store.transaction import Snapshot as Snapshot
from cycletrace._internal.store.transaction import Transaction as Transaction
