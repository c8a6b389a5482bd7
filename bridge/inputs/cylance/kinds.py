"""Field → kind, for the fields of Cylance that are known. Pure.

Every other field takes the kind of its first value, as the spool remembers it. Names are those of
`normalize`; sources: the API guide and replies seen in the open.
"""

from __future__ import annotations

from typing import Final

_WORDS: Final = {
    "text": """
        kind tenant_id unnamed_fields

        name sha256 md5 classification sub_classification global_quarantine global_quarantined
        safelisted unique_to_cylance signed cert_publisher cert_issuer auto_run running detected_by
        file_path file_status

        id phonetic_id status severity detection_description detection_type comment context
        applied_exceptions artifacts_of_interest associated_artifacts involved_artifacts responses
        zone_ids object_type detector_name product_name detection_rule_category
        detection_rule_description detection_rule_id detection_rule_name

        device_image_file_event_id agent_event_id image_name groups sid file_hash_id file_version
        dll_version user_name username

        device_id device_name device_state device_agent_version device_policy_id device_policy_name
        device_ip_addresses device_mac_addresses device_dlcm_status device_days_to_deletion
        device_host_name device_os_version device_os_kernel_version device_last_logged_in_user
        device_update_type device_update_available device_background_detection device_is_safe
        device_distinguished_name device_products
        """,
    "double": "score av_industry",
    "long": "file_size action violation_type process_id",
    "time": """
        last_found cert_timestamp date_found date_detected date_first_detected most_recent_detection
        occurrence_time received_time activation_time created
        device_date_first_registered device_date_last_modified device_date_offline
        """,
}

KINDS: Final = {
    f"cylance_{word}": kind for kind, words in _WORDS.items() for word in words.split()
} | {"bridge_timestamp_from": "text"}
