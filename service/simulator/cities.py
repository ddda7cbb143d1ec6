"""Public geography: cities with their country, coordinates in degrees, and weight as a destination."""

from typing import NamedTuple


class City(NamedTuple):
    """One city."""

    name: str
    country: str  # ISO 3166-1 alpha-2
    latitude: float
    longitude: float
    zone: str
    weight: float  # how often travellers go there


COUNTRIES = {
    "GB": "United Kingdom", "FR": "France", "DE": "Germany", "ES": "Spain", "IT": "Italy",
    "NL": "Netherlands",
    "BE": "Belgium", "CH": "Switzerland", "AT": "Austria", "IE": "Ireland", "PT": "Portugal", "SE": "Sweden",
    "NO": "Norway", "DK": "Denmark", "FI": "Finland", "PL": "Poland", "CZ": "Czechia", "GR": "Greece",
    "RO": "Romania", "UA": "Ukraine", "RU": "Russia", "TR": "Türkiye", "IL": "Israel", "EG": "Egypt",
    "MA": "Morocco", "NG": "Nigeria", "KE": "Kenya", "ZA": "South Africa", "AE": "United Arab Emirates",
    "SA": "Saudi Arabia", "IR": "Iran", "PK": "Pakistan", "IN": "India", "BD": "Bangladesh", "CN": "China",
    "HK": "Hong Kong", "JP": "Japan", "KR": "South Korea", "SG": "Singapore", "MY": "Malaysia",
    "VN": "Vietnam", "ID": "Indonesia", "AU": "Australia", "NZ": "New Zealand", "US": "United States",
    "CA": "Canada", "MX": "Mexico", "BR": "Brazil", "AR": "Argentina",
}  # fmt: skip

CITIES = (
    City("London", "GB", 51.51, -0.13, "Europe/London", 6),
    City("Manchester", "GB", 53.48, -2.24, "Europe/London", 3),
    City("Leeds", "GB", 53.80, -1.55, "Europe/London", 2),
    City("Birmingham", "GB", 52.49, -1.89, "Europe/London", 2),
    City("Glasgow", "GB", 55.86, -4.25, "Europe/London", 2),
    City("Bristol", "GB", 51.45, -2.59, "Europe/London", 2),
    City("Cardiff", "GB", 51.48, -3.18, "Europe/London", 1),
    City("Belfast", "GB", 54.60, -5.93, "Europe/London", 1),
    City("Paris", "FR", 48.86, 2.35, "Europe/Paris", 6),
    City("Lyon", "FR", 45.76, 4.84, "Europe/Paris", 2),
    City("Lille", "FR", 50.63, 3.07, "Europe/Paris", 1),
    City("Toulouse", "FR", 43.60, 1.44, "Europe/Paris", 1),
    City("Berlin", "DE", 52.52, 13.41, "Europe/Berlin", 4),
    City("Munich", "DE", 48.14, 11.58, "Europe/Berlin", 2),
    City("Hamburg", "DE", 53.55, 9.99, "Europe/Berlin", 1),
    City("Frankfurt", "DE", 50.11, 8.68, "Europe/Berlin", 2),
    City("Madrid", "ES", 40.42, -3.70, "Europe/Madrid", 3),
    City("Barcelona", "ES", 41.39, 2.17, "Europe/Madrid", 3),
    City("Rome", "IT", 41.90, 12.50, "Europe/Rome", 3),
    City("Milan", "IT", 45.46, 9.19, "Europe/Rome", 2),
    City("Amsterdam", "NL", 52.37, 4.90, "Europe/Amsterdam", 3),
    City("Brussels", "BE", 50.85, 4.35, "Europe/Brussels", 2),
    City("Geneva", "CH", 46.20, 6.14, "Europe/Zurich", 1),
    City("Zurich", "CH", 47.38, 8.54, "Europe/Zurich", 1),
    City("Vienna", "AT", 48.21, 16.37, "Europe/Vienna", 2),
    City("Dublin", "IE", 53.35, -6.26, "Europe/Dublin", 3),
    City("Lisbon", "PT", 38.72, -9.14, "Europe/Lisbon", 2),
    City("Stockholm", "SE", 59.33, 18.07, "Europe/Stockholm", 1),
    City("Oslo", "NO", 59.91, 10.75, "Europe/Oslo", 1),
    City("Copenhagen", "DK", 55.68, 12.57, "Europe/Copenhagen", 1),
    City("Helsinki", "FI", 60.17, 24.94, "Europe/Helsinki", 1),
    City("Warsaw", "PL", 52.23, 21.01, "Europe/Warsaw", 2),
    City("Prague", "CZ", 50.08, 14.44, "Europe/Prague", 1),
    City("Athens", "GR", 37.98, 23.73, "Europe/Athens", 2),
    City("Bucharest", "RO", 44.43, 26.10, "Europe/Bucharest", 1),
    City("Kyiv", "UA", 50.45, 30.52, "Europe/Kyiv", 0.5),
    City("Moscow", "RU", 55.76, 37.62, "Europe/Moscow", 0.3),
    City("Istanbul", "TR", 41.01, 28.98, "Europe/Istanbul", 2),
    City("Tel Aviv", "IL", 32.09, 34.78, "Asia/Jerusalem", 0.5),
    City("Cairo", "EG", 30.04, 31.24, "Africa/Cairo", 1),
    City("Casablanca", "MA", 33.57, -7.59, "Africa/Casablanca", 1),
    City("Lagos", "NG", 6.52, 3.38, "Africa/Lagos", 1.5),
    City("Nairobi", "KE", -1.29, 36.82, "Africa/Nairobi", 0.7),
    City("Cape Town", "ZA", -33.92, 18.42, "Africa/Johannesburg", 0.7),
    City("Dubai", "AE", 25.20, 55.27, "Asia/Dubai", 1.5),
    City("Riyadh", "SA", 24.71, 46.68, "Asia/Riyadh", 1),
    City("Tehran", "IR", 35.69, 51.39, "Asia/Tehran", 0.3),
    City("Karachi", "PK", 24.86, 67.00, "Asia/Karachi", 1.5),
    City("Delhi", "IN", 28.61, 77.21, "Asia/Kolkata", 2.5),
    City("Mumbai", "IN", 19.08, 72.88, "Asia/Kolkata", 2),
    City("Dhaka", "BD", 23.81, 90.41, "Asia/Dhaka", 0.7),
    City("Beijing", "CN", 39.90, 116.41, "Asia/Shanghai", 3),
    City("Shanghai", "CN", 31.23, 121.47, "Asia/Shanghai", 3),
    City("Hong Kong", "HK", 22.32, 114.17, "Asia/Hong_Kong", 1.5),
    City("Tokyo", "JP", 35.68, 139.69, "Asia/Tokyo", 1.5),
    City("Seoul", "KR", 37.57, 126.98, "Asia/Seoul", 1),
    City("Singapore", "SG", 1.35, 103.82, "Asia/Singapore", 1.5),
    City("Kuala Lumpur", "MY", 3.14, 101.69, "Asia/Kuala_Lumpur", 1),
    City("Hanoi", "VN", 21.03, 105.85, "Asia/Ho_Chi_Minh", 0.5),
    City("Jakarta", "ID", -6.21, 106.85, "Asia/Jakarta", 0.5),
    City("Sydney", "AU", -33.87, 151.21, "Australia/Sydney", 1),
    City("Melbourne", "AU", -37.81, 144.96, "Australia/Melbourne", 0.7),
    City("Auckland", "NZ", -36.85, 174.76, "Pacific/Auckland", 0.3),
    City("New York", "US", 40.71, -74.01, "America/New_York", 3),
    City("Boston", "US", 42.36, -71.06, "America/New_York", 2),
    City("Chicago", "US", 41.88, -87.63, "America/Chicago", 1.5),
    City("San Francisco", "US", 37.77, -122.42, "America/Los_Angeles", 1.5),
    City("Ashburn", "US", 39.04, -77.49, "America/New_York", 0.3),
    City("Toronto", "CA", 43.65, -79.38, "America/Toronto", 1.5),
    City("Vancouver", "CA", 49.28, -123.12, "America/Vancouver", 1),
    City("Mexico City", "MX", 19.43, -99.13, "America/Mexico_City", 0.7),
    City("São Paulo", "BR", -23.55, -46.63, "America/Sao_Paulo", 1),
    City("Buenos Aires", "AR", -34.60, -58.38, "America/Argentina/Buenos_Aires", 0.5),
)


def home_country(zone: str) -> str:
    """The country of a site in the zone; Great Britain where no city above is in it."""
    return next((city.country for city in CITIES if city.zone == zone), "GB")
