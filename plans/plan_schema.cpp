#include "plans/plan_document.hpp"

namespace flyt {
namespace {

constexpr std::string_view schema = R"json({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "flyt plan, version 1",
  "type": "object",
  "additionalProperties": false,
  "required": ["$schema", "version", "flyt_version", "site", "source", "target",
               "inventory_digest", "machines", "waves", "concerns", "ground", "estimate", "digest"],
  "properties": {
    "$schema": {"type": "string"},
    "version": {"type": "integer", "minimum": 1, "maximum": 1},
    "flyt_version": {"type": "string"},
    "site": {
      "type": "object", "additionalProperties": false, "required": ["id", "name", "digest"],
      "properties": {"id": {"type": "string"}, "name": {"type": "string"},
                     "digest": {"type": "string"}}
    },
    "source": {"$ref": "#/definitions/endpoint"},
    "target": {"$ref": "#/definitions/endpoint"},
    "inventory_digest": {"type": "string"},
    "machines": {"type": "array", "items": {"$ref": "#/definitions/machine"}},
    "waves": {
      "type": "array",
      "items": {
        "type": "object", "additionalProperties": false, "required": ["name", "machines"],
        "properties": {"name": {"type": "string"},
                       "machines": {"type": "array", "items": {"$ref": "#/definitions/id"}}}
      }
    },
    "concerns": {"type": "array", "items": {"type": "object"}},
    "ground": {"type": "array", "items": {"type": "object"}},
    "estimate": {
      "type": "object", "additionalProperties": false,
      "required": ["disk_bytes", "copy_bytes", "low_s", "likely_s", "high_s"],
      "properties": {
        "disk_bytes": {"$ref": "#/definitions/count"},
        "copy_bytes": {"$ref": "#/definitions/count"},
        "low_s": {"$ref": "#/definitions/count"},
        "likely_s": {"$ref": "#/definitions/count"},
        "high_s": {"$ref": "#/definitions/count"},
        "land_bytes": {"$ref": "#/definitions/count"},
        "land_s": {"$ref": "#/definitions/count"}
      }
    },
    "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"}
  },
  "definitions": {
    "id": {"type": "string", "pattern": "^flyt-[a-z2-7]{20}$"},
    "count": {"type": "integer", "minimum": 0, "maximum": 9007199254740991},
    "endpoint": {
      "type": "object", "additionalProperties": false, "required": ["name", "platform_id"],
      "properties": {"name": {"type": "string"}, "platform_id": {"type": "string"}}
    },
    "fact": {
      "type": "object", "additionalProperties": false,
      "required": ["kind", "subject", "name", "value"],
      "properties": {
        "kind": {"enum": ["pinned", "bounded", "noted"]},
        "subject": {"type": "string"}, "name": {"type": "string"}, "value": {"type": "string"}
      }
    },
    "probe": {
      "type": "object", "additionalProperties": false, "required": ["kind", "target", "expect"],
      "properties": {
        "kind": {"enum": ["tcp", "http", "agent"]}, "target": {"type": "string"},
        "expect": {"$ref": "#/definitions/count"}
      }
    },
    "disk": {
      "type": "object", "additionalProperties": false,
      "required": ["size_bytes", "bus", "controller", "storage", "format", "boots"],
      "properties": {
        "size_bytes": {"$ref": "#/definitions/count"}, "bus": {"type": "string"},
        "controller": {"type": "string"}, "storage": {"type": "string"},
        "format": {"type": "string"}, "boots": {"type": "boolean"},
        "land_by": {"type": "string"}
      }
    },
    "nic": {
      "type": "object", "additionalProperties": false,
      "required": ["mac", "network", "vlan", "model"],
      "properties": {
        "mac": {"type": "string"}, "network": {"type": "string"},
        "vlan": {"type": ["integer", "null"], "minimum": 0, "maximum": 4094},
        "model": {"type": "string"}
      }
    },
    "spec": {
      "type": "object", "additionalProperties": false,
      "required": ["name", "uuid", "notes", "cpus", "sockets", "memory_bytes", "firmware",
                   "secure_boot", "clock", "guest", "disks", "nics"],
      "properties": {
        "name": {"type": "string", "minLength": 1}, "uuid": {"type": "string"},
        "generation_id": {"type": "string"}, "is_template": {"type": "boolean"},
        "bare": {"type": "string"}, "notes": {"type": "string"}, "cpus": {"$ref": "#/definitions/count"},
        "sockets": {"$ref": "#/definitions/count"}, "memory_bytes": {"$ref": "#/definitions/count"}, "firmware": {"type": "string"},
        "secure_boot": {"type": "boolean"}, "tpm": {"type": "boolean"}, "clock": {"type": "string"},
        "guest": {"type": "object"},
        "disks": {"type": "array", "items": {"$ref": "#/definitions/disk"}},
        "nics": {"type": "array", "items": {"$ref": "#/definitions/nic"}}
      }
    },
    "names": {"type": "array", "items": {"type": "string", "minLength": 1}},
    "after": {
      "type": "object", "additionalProperties": false,
      "properties": {
        "start_at_boot": {"type": "boolean"},
        "start_order": {"$ref": "#/definitions/count"},
        "start_delay_s": {"type": "integer", "minimum": 0, "maximum": 86400},
        "ha": {"enum": ["started", "ignored"]}, "ha_group": {"type": "string"},
        "ha_rules": {"$ref": "#/definitions/names"},
        "backup_jobs": {"$ref": "#/definitions/names"},
        "replicate_to": {"type": "string"}, "replicate_schedule": {"type": "string"},
        "firewall": {"$ref": "#/definitions/names"}
      }
    },
    "machine": {
      "type": "object", "additionalProperties": false,
      "required": ["migration_id", "source", "spec", "convert", "convert_why", "placement_why",
                   "facts", "probes", "marker", "boot_timeout_s", "copy_bytes", "adopts"],
      "properties": {
        "migration_id": {"$ref": "#/definitions/id"},
        "source": {"type": "object", "required": ["id", "uuid", "name", "disks"]},
        "spec": {"$ref": "#/definitions/spec"},
        "convert": {"type": "boolean"}, "convert_why": {"type": "string"},
        "placement_why": {"type": "string"},
        "facts": {"type": "array", "items": {"$ref": "#/definitions/fact"}},
        "probes": {"type": "array", "items": {"$ref": "#/definitions/probe"}},
        "marker": {"type": "string"},
        "boot_timeout_s": {"type": "integer", "minimum": 1, "maximum": 86400},
        "copy_bytes": {"$ref": "#/definitions/count"},
        "track_changes": {"type": "boolean"},
        "introduce_s": {"type": "integer", "minimum": 1, "maximum": 86400}, "after": {"$ref": "#/definitions/after"},
        "adopts": {"type": "string"}
      }
    }
  }
}
)json";

}  // namespace

std::string_view plan_schema() { return schema; }

}  // namespace flyt
