"""What goes over Kafka: records, schemas, topics, partitions, connections."""
