"""One SQLite schema for both ways in, the journal and OTLP; records, dirty cycles, facts.

Read in this order: ``schema`` (what is kept), ``database`` (how it is opened), ``transaction`` (what can be done with
it), ``decode`` (from the wire to records), ``records``, ``components``, ``folding`` (facts beside the records),
``reading``, ``ingest``; then ``observation``, ``series`` and ``outbox`` (what a collector keeps), and ``maintenance``.
"""

from cycletrace.store.database import FILE as FILE
from cycletrace.store.database import Store as Store
from cycletrace.store.database import open_reader as open_reader
from cycletrace.store.database import open_store as open_store
from cycletrace.store.decode import Rejected as Rejected
from cycletrace.store.decode import decode_event as decode_event
from cycletrace.store.decode import decode_span as decode_span
from cycletrace.store.errors import StoreError as StoreError
from cycletrace.store.folding import Refolded as Refolded
from cycletrace.store.ingest import Ingested as Ingested
from cycletrace.store.ingest import ingest as ingest
from cycletrace.store.maintenance import backup as backup
from cycletrace.store.maintenance import info as info
from cycletrace.store.maintenance import prune as prune
from cycletrace.store.outbox import Parcel as Parcel
from cycletrace.store.records import Added as Added
from cycletrace.store.transaction import Snapshot as Snapshot
from cycletrace.store.transaction import Transaction as Transaction
