//! Names that stay the same from export to export: UUIDs of version 5 (RFC 9562 5.5).

use uuid::Uuid;

/// The namespace of everything casewire names itself.
const OWN: Uuid = Uuid::from_u128(0x6c1f_6a55_6e2b_5d5b_9d3c_6361_7365_7769);

/// The namespace of STIX cyber-observable objects (STIX 2.1, 2.9).
const STIX: Uuid = Uuid::from_u128(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);

/// A name made from parts, none of which can run into the next.
pub fn own(parts: &[&str]) -> String {
    let mut name = String::new();
    for part in parts {
        name.push_str(&format!("{}:{part};", part.len()));
    }
    Uuid::new_v5(&OWN, name.as_bytes()).to_string()
}

/// The name of a STIX observable, from its contributing properties as canonical JSON.
pub fn stix(kind: &str, contributing: &serde_json::Value) -> String {
    let uuid = Uuid::new_v5(&STIX, contributing.to_string().as_bytes());
    format!("{kind}--{uuid}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(own(&["a", "bc"]), own(&["ab", "c"]));
        assert_eq!(own(&["a"]), own(&["a"]));
    }

    /// The id of the standard's own example.
    #[test]
    fn an_address_has_the_name_the_standard_gives_it() {
        let id = stix("ipv4-addr", &serde_json::json!({"value": "198.51.100.3"}));
        assert_eq!(id, "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4");
    }
}
