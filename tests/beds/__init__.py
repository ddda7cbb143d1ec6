"""Real servers for the tests: Apache Kafka and PostgreSQL, started and ended with the test process."""
