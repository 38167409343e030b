"""The live board: the pages of the report over HTTP, kept up to date while they are open.

Read in this order: ``selection`` (what an address asks for), ``source`` (the store, watched), ``views`` (facts to
pages), ``frame`` (pages to HTML), ``board`` (pages that are kept until the store changes), ``responses`` (requests to
responses), ``server``.
"""
