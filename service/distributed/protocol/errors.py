"""What operators of the distributed shape can mend; the text is the message.

ServiceError
└── DistributedError
    ├── BrokerError      Kafka cannot be reached, or refuses us
    ├── TopicError       topics are missing or are not as they must be
    ├── NotConfiguredError   site.toml has no [kafka]
    └── CacheInUseError      two workers keep their states in one folder
"""

from service.base.errors import ServiceError


class DistributedError(ServiceError):
    """Root of this package's errors."""


class BrokerError(DistributedError):
    """Kafka cannot be reached, or refuses us."""


class TopicError(DistributedError):
    """Topics are missing or are not as they must be."""


class NotConfiguredError(DistributedError):
    """The site's settings name no Kafka."""


class CacheInUseError(DistributedError):
    """Two workers keep their states in one folder."""
