"""The face: the public surface, light to import."""

from cycletrace._api import machinery as machinery  # here, so that no thread imports it while another forks
