"""The two schemas that the rules can map to: their names, and the types that an index gives them.

A schema is a property of an index set: there a name has one type. `ecs` holds names of the Elastic
Common Schema with underscores, `gim` those of Graylog's own Information Model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

TYPES: Final = ("ip", "long", "double", "date", "boolean", "string_fts", "string")
"""Types of Graylog's field type profiles, as far as they are used."""

_BRIDGE: Final = {
    "double": "bridge_oldest_undelivered_seconds bridge_last_event_seconds",
    "long": "bridge_spooled_bytes bridge_spooled_events bridge_delivered bridge_accepted",
    "date": "bridge_received_at",
    "string": """
        event_type event_uid bridge_input bridge_sender bridge_flags bridge_leftover
        bridge_timestamp_from bridge_backfill bridge_demo bridge_component bridge_kind bridge_state
        bridge_detail bridge_version
        """,
}
_BOTH: Final = {
    "ip": "destination_ip destination_nat_ip host_ip",
    "long": "destination_port file_size",
    "double": """
        cylance_score cylance_av_industry
        cybereason_malop_counters_affected_machines cybereason_malop_counters_affected_users
        """,
    "date": "event_start process_start cybereason_malop_modified_at",
    "boolean": """
        event_late cybereason_malop_host_is_malicious cybereason_malop_host_is_online
        cybereason_malop_host_is_original_machine
        """,
    "string_fts": "process_command_line cybereason_malop_decision",
    "string": """
        event_source_product event_url observer_vendor observer_product observer_version
        host_hostname host_id user_name user_domain process_name process_parent_name
        file_name file_path cybereason_cef_version cybereason_event_id cybereason_malop_id
        cybereason_malop_status cylance_kind cylance_tenant_id cylance_sub_classification
        threat_intel_verdict
        """,
}
_ECS: Final = {
    "long": "event_severity",
    "date": "event_created",
    "boolean": "cybereason_malop_file_is_signed",
    "string_fts": "event_reason",
    "string": """
        event_action event_category event_code event_dataset event_kind ecs_event_type
        destination_geo_country_name host_os_full rule_name
        file_hash_md5 file_hash_sha1 file_hash_sha256 md5 sha256
        cybereason_malop_activity_type cybereason_malop_detection_type
        cylance_classification cylance_severity
        """,
}
_GIM: Final = {
    "long": """
        event_code event_severity_level gim_event_type_code vendor_event_severity_level
        """,
    "date": "event_received_time",
    "boolean": "file_is_signed",
    "string_fts": "vendor_event_description",
    "string": """
        alert_category event_id event_severity threat_category threat_detected vendor_event_action
        vendor_event_category vendor_event_severity vendor_subtype destination_geo_country
        host_type_version file_signed_by hash_md5 hash_sha1 hash_sha256 cybereason_hashes
        """,
}


@dataclass(frozen=True, slots=True)
class Names:
    """What the fields are called that dashboards and alerts show."""

    action: str
    hash: tuple[str, ...]
    """The best first."""
    category: str
    severity: str
    description: str
    classification: str


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema; `types`: field → type in the index."""

    name: str
    label: str
    types: Mapping[str, str]
    names: Names


def _types(*tables: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(
        {
            name: kind
            for table in (_BRIDGE, _BOTH, *tables)
            for kind, words in table.items()
            for name in words.split()
        }
    )


ECS: Final = Schema(
    "ecs",
    "ECS",
    _types(_ECS),
    Names(
        action="event_action",
        hash=("file_hash_sha256", "file_hash_sha1", "file_hash_md5"),
        category="event_category",
        severity="event_severity",
        description="event_reason",
        classification="rule_name",
    ),
)
GIM: Final = Schema(
    "gim",
    "GIM",
    _types(_GIM),
    Names(
        action="vendor_event_action",
        hash=("hash_sha256", "hash_sha1", "hash_md5"),
        category="alert_category",
        severity="event_severity_level",
        description="vendor_event_description",
        classification="threat_category",
    ),
)
SCHEMAS: Final = {schema.name: schema for schema in (ECS, GIM)}
