//! Words and message codes: directions, layers, protocols, actions, switches, service states.
//!
//! Binary logs keep message codes such as `%%14592`; rendered exports show the word, in the language
//! of the host that rendered them. A code decides first, then a number, then a word from the tables
//! here; anything else is unknown. Codes are those of the Security provider's message table
//! (Microsoft's pages for events 5152 to 5159 and 5447).

use crate::model::firewall::{Action, Layer};
use crate::model::host_event::ServiceState;
use crate::model::{Direction, Transport};

/// Inbound or outbound, from a code (`%%14592`, `%%14593`) or a word.
pub fn direction(text: &str) -> Option<Direction> {
    match text.trim() {
        "%%14592" => return Some(Direction::Inbound),
        "%%14593" => return Some(Direction::Outbound),
        _ => {}
    }
    match text.trim().to_lowercase().as_str() {
        "inbound" | "in" | "eingehend" | "entrant" | "entrante" | "entrada" | "in entrata"
        | "binnenkomend" => Some(Direction::Inbound),
        "outbound" | "out" | "ausgehend" | "sortant" | "saliente" | "salida" | "saída"
        | "in uscita" | "uitgaand" => Some(Direction::Outbound),
        _ => None,
    }
}

/// Direction of a firewall rule: 1 is in, 2 is out.
pub fn rule_direction(number: u64) -> Option<Direction> {
    match number {
        1 => Some(Direction::Inbound),
        2 => Some(Direction::Outbound),
        _ => None,
    }
}

/// Action of a firewall rule: 3 allows, 2 blocks.
pub fn rule_action(number: u64) -> Option<Action> {
    match number {
        3 => Some(Action::Allow),
        2 => Some(Action::Block),
        _ => None,
    }
}

/// Action of a filter (5447): `%%16389` blocks, `%%16390` permits; a callout is neither.
pub fn filter_action(text: &str) -> Option<Action> {
    match text.trim() {
        "%%16390" => return Some(Action::Allow),
        "%%16389" => return Some(Action::Block),
        _ => {}
    }
    match text.trim().to_lowercase().as_str() {
        "permit" | "zulassen" | "autoriser" | "permitir" => Some(Action::Allow),
        "block" | "blocken" | "blockieren" | "bloquer" | "bloquear" => Some(Action::Block),
        _ => None,
    }
}

/// Change of a filter or callout (5446, 5447): `%%16384` added, `%%16385` deleted.
pub fn is_addition(text: &str) -> Option<bool> {
    match text.trim() {
        "%%16384" => return Some(true),
        "%%16385" => return Some(false),
        _ => {}
    }
    match text.trim().to_lowercase().as_str() {
        "add" | "added" | "hinzufügen" | "ajouter" => Some(true),
        "delete" | "deleted" | "löschen" | "supprimer" => Some(false),
        _ => None,
    }
}

/// The layer, from its code or English word, else from its run-time id.
///
/// Run-time ids are the same in every log seen, which Windows does not promise; so they come last.
pub fn layer(name: &str, runtime_id: Option<u64>) -> Layer {
    let name = name.trim();
    let by_code = match name {
        "%%14608" => Some(Layer::Bind),
        "%%14609" => Some(Layer::Listen),
        "%%14610" => Some(Layer::Accept),
        "%%14611" => Some(Layer::Connect),
        "%%14597" => Some(Layer::Transport),
        "%%14601" => Some(Layer::IcmpError),
        _ if name.starts_with("%%") => Some(Layer::Other),
        _ => None,
    };
    if let Some(layer) = by_code {
        return layer;
    }
    match name.to_lowercase().as_str() {
        "resource assignment" => return Layer::Bind,
        "listen" => return Layer::Listen,
        "receive/accept" => return Layer::Accept,
        "connect" => return Layer::Connect,
        "transport" => return Layer::Transport,
        "icmp error" => return Layer::IcmpError,
        _ => {}
    }
    match runtime_id {
        Some(36 | 38) => Layer::Bind,
        Some(40 | 42) => Layer::Listen,
        Some(44 | 46) => Layer::Accept,
        Some(48 | 50) => Layer::Connect,
        Some(13 | 15) => Layer::Transport,
        Some(28 | 30 | 32 | 34) => Layer::IcmpError,
        _ => Layer::Other,
    }
}

/// A transport from its number or name.
pub fn transport(text: &str) -> Option<Transport> {
    let text = text.trim();
    if let Ok(number) = text.parse::<u8>() {
        return Some(Transport(number));
    }
    match text.to_lowercase().as_str() {
        "tcp" => Some(Transport::TCP),
        "udp" => Some(Transport::UDP),
        "icmp" | "icmpv4" => Some(Transport::ICMP),
        "icmpv6" | "ipv6-icmp" => Some(Transport::ICMPV6),
        _ => None,
    }
}

/// Protocol of a rule: 256 is any. `None` if it is no protocol.
pub fn rule_protocol(number: u64) -> Option<Option<u8>> {
    match number {
        256 => Some(None),
        other => u8::try_from(other).ok().map(Some),
    }
}

/// Profile bits (1 domain, 2 private, 4 public) from words: `All`, `Private,Public`. 0 if there is
/// a word the table does not hold.
pub fn profiles(text: &str) -> u32 {
    let mut bits = 0;
    for word in text
        .split([',', ';'])
        .map(str::trim)
        .filter(|w| !w.is_empty())
    {
        bits |= match word.to_lowercase().as_str() {
            "domain" | "domäne" | "domaine" | "dominio" => 1,
            "private" | "privat" | "privé" | "privado" | "standard" => 2,
            "public" | "öffentlich" | "público" => 4,
            "all" | "alle" | "tous" | "todos" => 7,
            _ => return 0,
        };
    }
    bits
}

/// The bits of an active profile, as a word or as the number that the firewall's own channel has; 0 for
/// what is not known.
pub fn profile_bits(text: &str) -> u32 {
    match text.trim() {
        "1" => 1,
        "2" => 2,
        "4" => 4,
        word => profiles(word),
    }
}

/// Yes or no of a setting; `None` for other values and languages.
pub fn yes_or_no(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "yes" | "on" | "true" | "ja" | "oui" | "sí" | "sì" | "sim" => Some(true),
        "no" | "off" | "false" | "nein" | "non" | "não" | "nee" => Some(false),
        _ => None,
    }
}

/// True if a setting (Security 4950) is the switch of the firewall itself. `Yes` means it was
/// switched on, `No` off.
pub fn is_firewall_switch(setting: &str) -> bool {
    matches!(
        setting.trim().to_lowercase().as_str(),
        "enable windows firewall"
            | "enable windows defender firewall"
            | "windows-firewall aktivieren"
            | "windows defender firewall aktivieren"
            | "activer le pare-feu windows"
            | "activer le pare-feu windows defender"
    )
}

/// A service's state word, as the Service Control Manager writes it in the host's language.
pub fn service_state(word: &str) -> ServiceState {
    match word.trim().to_lowercase().as_str() {
        // English, German, French, Spanish, Italian, Portuguese, Dutch.
        "running"
        | "ausgeführt"
        | "wird ausgeführt"
        | "en cours d’exécution"
        | "en cours d'exécution"
        | "en ejecución"
        | "in esecuzione"
        | "em execução"
        | "wordt uitgevoerd"
        | "actief" => ServiceState::Running,
        "stopped" | "beendet" | "angehalten" | "arrêté" | "arrêtés" | "detenido" | "arrestato"
        | "interrotto" | "parado" | "interrompido" | "gestopt" => ServiceState::Stopped,
        _ => ServiceState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_decides_before_a_word_and_a_word_before_a_number() {
        assert_eq!(direction("%%14592"), Some(Direction::Inbound));
        assert_eq!(direction("%%14593"), Some(Direction::Outbound));
        assert_eq!(direction("Ausgehend"), Some(Direction::Outbound));
        assert_eq!(direction("%%14594"), None);
        for (name, id, expected) in [
            ("%%14610", Some(48), Layer::Accept),
            ("Receive/Accept", Some(48), Layer::Accept),
            ("Empfangen/Akzeptieren", Some(44), Layer::Accept),
            ("", Some(13), Layer::Transport),
            ("%%14601", None, Layer::IcmpError),
            ("%%99999", Some(44), Layer::Other),
            ("", None, Layer::Other),
        ] {
            assert_eq!(layer(name, id), expected, "{name} {id:?}");
        }
    }

    #[test]
    fn rule_numbers_mean_what_the_firewall_writes() {
        assert_eq!(rule_action(3), Some(Action::Allow));
        assert_eq!(rule_action(2), Some(Action::Block));
        assert_eq!(rule_action(1), None);
        assert_eq!(rule_direction(1), Some(Direction::Inbound));
        assert_eq!(rule_direction(2), Some(Direction::Outbound));
        assert_eq!(rule_protocol(256), Some(None));
        assert_eq!(rule_protocol(6), Some(Some(6)));
        assert_eq!(rule_protocol(257), None);
        assert_eq!(filter_action("%%16390"), Some(Action::Allow));
        assert_eq!(filter_action("%%16391"), None);
        assert_eq!(is_addition("%%16385"), Some(false));
    }

    #[test]
    fn profiles_are_bits_or_unknown() {
        for (text, bits) in [
            ("All", 7),
            ("Private,Public", 6),
            ("Domain", 1),
            ("Martian", 0),
            ("Domain,Martian", 0),
        ] {
            assert_eq!(profiles(text), bits, "{text}");
        }
    }

    #[test]
    fn words_of_other_languages_are_unknown_and_not_guessed() {
        assert_eq!(service_state("running"), ServiceState::Running);
        assert_eq!(service_state("Beendet"), ServiceState::Stopped);
        assert_eq!(service_state("実行中"), ServiceState::Unknown);
        assert_eq!(yes_or_no("Nein"), Some(false));
        assert_eq!(yes_or_no("Block"), None);
        assert!(is_firewall_switch("Enable Windows Defender Firewall"));
        assert!(!is_firewall_switch("Default Outbound Action"));
        assert_eq!(transport("17"), Some(Transport::UDP));
        assert_eq!(transport("tcp"), Some(Transport::TCP));
        assert_eq!(transport("999"), None);
    }
}
