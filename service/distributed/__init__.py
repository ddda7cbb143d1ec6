"""The same pipeline in several processes over Kafka: shipper, workers, sink."""
