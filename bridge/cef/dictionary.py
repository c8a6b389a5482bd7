"""The extension dictionary: what the standard's short keys mean.

From the CEF guide, version 27 (tables of CEF 0.1 and 1.2, misprints corrected), and the keys that
ArcSight and F5 write beside it. Limits of length are the guide's business and not kept here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple

Kind = Literal["text", "long", "double", "time", "address", "mac"]


class Key(NamedTuple):
    """A key of the dictionary: its full name as printed, and what its values are."""

    full_name: str
    kind: Kind


class Custom(NamedTuple):
    """A key of a custom field: its family (`cs`), its number and whether it is the label's key."""

    family: str
    number: int
    is_label: bool


FAMILIES: Final[dict[str, Key]] = {
    "c6a": Key("deviceCustomIPv6Address", "address"),
    "cfp": Key("deviceCustomFloatingPoint", "double"),
    "cn": Key("deviceCustomNumber", "long"),
    "cs": Key("deviceCustomString", "text"),
    "deviceCustomDate": Key("deviceCustomDate", "time"),
    "flexDate": Key("flexDate", "time"),
    "flexNumber": Key("flexNumber", "long"),
    "flexString": Key("flexString", "text"),
}
"""Custom fields: `cs1`, `cs2`, … with `cs1Label`, …; the number is open (F5 sends `cn4`)."""

# key, or key=Full_name where they differ; `_` in a full name is a blank.
_TABLE: Final[dict[Kind, str]] = {
    "text": """
        _cefVer act=deviceAction agentDnsDomain agentNtDomain agentTranslatedZoneExternalID
        agentTranslatedZoneURI agentZoneExternalID agentZoneURI ahost=agentHostName aid=agentId
        app=applicationProtocol at=agentType atz=agentTimeZone av=agentVersion
        cat=deviceEventCategory catdt=categoryDeviceType categorySignificance customerExternalID
        customerURI destinationDnsDomain destinationServiceName
        destinationTranslatedZoneExternalID destinationTranslatedZoneURI
        destinationZoneExternalID destinationZoneURI deviceDnsDomain deviceExternalId
        deviceFacility deviceInboundInterface deviceNtDomain deviceOutboundInterface
        devicePayloadId deviceProcessName deviceSeverity deviceTranslatedZoneExternalID
        deviceTranslatedZoneURI deviceZoneExternalID deviceZoneURI dhost=destinationHostName
        dntdom=destinationNtDomain dpriv=destinationUserPrivileges dproc=destinationProcessName
        dtz=deviceTimeZone duid=destinationUserId duser=destinationUserName
        dvchost=deviceHostName externalId fileHash fileId filePath filePermission fileType
        fname=filename frameworkName=Framework_Name msg=message oldFileHash oldFileId
        oldFileName oldFilePath oldFilePermission oldFileType outcome=eventOutcome
        proto=transportProtocol rawEvent reason reportedDuration=Reported_Duration
        reportedResourceGroupName=Reported_Resource_Group_Name
        reportedResourceID=Reported_Resource_ID reportedResourceName=Reported_Resource_Name
        reportedResourceType=Reported_Resource_Type request=requestUrl requestClientApplication
        requestContext requestCookies requestMethod shost=sourceHostName sntdom=sourceNtDomain
        sourceDnsDomain sourceServiceName sourceTranslatedZoneExternalID sourceTranslatedZoneURI
        sourceZoneExternalID sourceZoneURI spriv=sourceUserPrivileges sproc=sourceProcessName
        suid=sourceUserId suser=sourceUserName threatActor=Threat_actor
        threatAttackID=Threat_Attack_ID
    """,
    "long": """
        agentTranslatedZoneKey=Agent_Translated_Zone_Key agentZoneKey=Agent_Zone_Key
        cnt=baseEventCount customerKey=Customer_Key destinationTranslatedPort deviceDirection
        deviceTranslatedZoneKey=Device_Translated_Zone_Key deviceZoneKey=Device_Zone_Key
        dpid=destinationProcessId dpt=destinationPort
        dTranslatedZoneKey=Destination_Translated_Zone_Key dvcpid=deviceProcessId
        dZoneKey=Destination_Zone_Key eventId fsize=fileSize in=bytesIn locality oldFileSize
        out=bytesOut sourceTranslatedPort spid=sourceProcessId spt=sourcePort
        sTranslatedZoneKey=Source_Translated_Zone_Key sZoneKey=Source_Zone_Key type
    """,
    "double": """
        dlat=destinationGeoLatitude dlong=destinationGeoLongitude slat=sourceGeoLatitude
        slong=sourceGeoLongitude
    """,
    "time": """
        art=agentReceiptTime end=endTime fileCreateTime fileModificationTime
        mrt=managerReceiptTime oldFileCreateTime oldFileModificationTime rt=deviceReceiptTime
        start=startTime
    """,
    "address": """
        agentTranslatedAddress agt=agentAddress destinationTranslatedAddress
        deviceTranslatedAddress dst=destinationAddress dvc=deviceAddress sourceTranslatedAddress
        src=sourceAddress
    """,
    "mac": """
        amac=agentMacAddress dmac=destinationMacAddress dvcmac=deviceMacAddress
        smac=sourceMacAddress
    """,
}
_PRINTED: Final = {"c6a": 4, "cfp": 4, "cn": 4, "cs": 6} | dict.fromkeys(
    ("deviceCustomDate", "flexDate", "flexNumber", "flexString"), 2
)
_CUSTOM = re.compile(rf"({'|'.join(FAMILIES)})([0-9]{{1,3}})(label)?", re.IGNORECASE)
_FAMILY_BY_LOWER: Final = {family.lower(): family for family in FAMILIES}
_MAX_LENGTH: Final = 64


def _custom(family: str, number: int, *, is_label: bool) -> Key:
    full_name, kind = FAMILIES[family]
    return (
        Key(f"{full_name}{number}Label", "text") if is_label else Key(f"{full_name}{number}", kind)
    )


def _build() -> dict[str, Key]:
    found = {
        f"{family}{number}{'Label' if is_label else ''}": _custom(family, number, is_label=is_label)
        for family, count in _PRINTED.items()
        for number in range(1, count + 1)
        for is_label in (False, True)
    }
    for kind, words in _TABLE.items():
        for word in words.split():
            key, _, full_name = word.partition("=")
            found[key] = Key(full_name.replace("_", " ") or key, kind)
    return found


DICTIONARY: Final[dict[str, Key]] = _build()
"""All 191 keys by their printed spelling."""

_BY_LOWER: Final = {key.lower(): meaning for key, meaning in DICTIONARY.items()}


def lookup(key: str) -> Key | None:
    """What a key means: exact spelling first, then any case; custom fields of any number."""
    if key in DICTIONARY:
        return DICTIONARY[key]
    return _lookup(key) if len(key) <= _MAX_LENGTH else None


def custom(key: str) -> Custom | None:
    """The parts of a custom field's key (`cs1`, `cn4Label`), in any case; None for other keys."""
    return _split(key) if len(key) <= _MAX_LENGTH else None


@lru_cache(maxsize=4096)
def _lookup(key: str) -> Key | None:
    if found := _BY_LOWER.get(key.lower()):
        return found
    if parts := custom(key):
        return _custom(parts.family, parts.number, is_label=parts.is_label)
    return None


@lru_cache(maxsize=4096)
def _split(key: str) -> Custom | None:
    if match := _CUSTOM.fullmatch(key):
        return Custom(_FAMILY_BY_LOWER[match[1].lower()], int(match[2]), match[3] is not None)
    return None
