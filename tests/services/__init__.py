"""Real servers for the tests: Apache Kafka, PostgreSQL, an OpenID provider; they end with the tests."""
