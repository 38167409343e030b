"""One SQLite schema for both ways in, the journal and OTLP; records, dirty cycles, facts.

Read in this order: ``schema`` (what is kept), ``database`` (how it is opened), ``decode`` (from the wire to records),
``adding``, ``components``, ``refolding`` (facts beside the records), ``reading``, ``ingest``, ``maintenance``.
"""

from cycletrace.store.adding import Added as Added
from cycletrace.store.adding import add as add
from cycletrace.store.adding import reject as reject
from cycletrace.store.database import FILE as FILE
from cycletrace.store.database import Store as Store
from cycletrace.store.database import open_reader as open_reader
from cycletrace.store.database import open_store as open_store
from cycletrace.store.decode import Rejected as Rejected
from cycletrace.store.decode import decode_event as decode_event
from cycletrace.store.decode import decode_span as decode_span
from cycletrace.store.errors import StoreError as StoreError
from cycletrace.store.ingest import Ingested as Ingested
from cycletrace.store.ingest import ingest as ingest
from cycletrace.store.reading import facts as facts
from cycletrace.store.refolding import Refolded as Refolded
from cycletrace.store.refolding import next_due as next_due
from cycletrace.store.refolding import refold as refold
