//! The sentence for an answer of a name server.

use super::{Form, count, name};
use crate::model::resolution::Resolution;

pub(super) fn sentence(told: &Resolution, form: Form) -> String {
    let mut text = match form {
        Form::Short => format!("DNS {} ", record_type(told.record_type)),
        Form::Long => format!(
            "{} answers {}: {} ",
            told.server,
            told.client,
            record_type(told.record_type)
        ),
    };
    text.push_str(&name(&told.name));
    let answers: Vec<String> = told
        .aliases
        .iter()
        .map(|alias| name(alias))
        .chain(told.addresses.iter().map(|address| address.to_string()))
        .collect();
    text.push_str(" is ");
    match (told.code, answers.is_empty()) {
        (0, false) => text.push_str(&answers.join(", ")),
        (0, true) if told.others > 0 => text.push_str("answered"),
        (0, true) => text.push_str("without such a record in the answer"),
        (Resolution::NO_SUCH_NAME, _) => text.push_str("no such name (NXDOMAIN)"),
        (code, _) => text.push_str(&format!("refused with {}", failure(code))),
    }
    if told.others > 0 {
        text.push_str(&format!(", {} more records", count(told.others.into())));
    }
    if told.cut {
        text.push_str(", not read whole");
    }
    text
}

/// IANA "DNS RCODEs".
fn failure(code: u8) -> String {
    match code {
        1 => "a format error".to_owned(),
        2 => "a server failure (SERVFAIL)".to_owned(),
        4 => "not implemented".to_owned(),
        5 => "a refusal (REFUSED)".to_owned(),
        other => format!("code {other}"),
    }
}

/// IANA "Resource Record (RR) TYPEs".
fn record_type(number: u16) -> String {
    match number {
        1 => "A".to_owned(),
        2 => "NS".to_owned(),
        5 => "CNAME".to_owned(),
        6 => "SOA".to_owned(),
        12 => "PTR".to_owned(),
        15 => "MX".to_owned(),
        16 => "TXT".to_owned(),
        28 => "AAAA".to_owned(),
        33 => "SRV".to_owned(),
        64 => "SVCB".to_owned(),
        65 => "HTTPS".to_owned(),
        255 => "ANY".to_owned(),
        other => format!("type {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Endpoint;

    #[test]
    fn an_answer_names_what_was_asked_and_what_came() {
        let end = |text: &str, port| Endpoint::new(text.parse().unwrap(), port);
        let mut told = Resolution {
            client: end("10.0.0.5", 50_000),
            server: end("10.0.0.2", 53),
            name: "c2.example".into(),
            record_type: 1,
            code: 0,
            addresses: vec!["203.0.113.7".parse().unwrap()],
            aliases: vec!["edge.example".into()],
            others: 0,
            cut: false,
        };
        assert_eq!(
            sentence(&told, Form::Long),
            "10.0.0.2:53 answers 10.0.0.5:50000: A c2.example is edge.example, 203.0.113.7"
        );
        told.addresses.clear();
        told.aliases.clear();
        told.code = 3;
        assert_eq!(
            sentence(&told, Form::Short),
            "DNS A c2.example is no such name (NXDOMAIN)"
        );
        // A referral looks like that, too: it does not say that there is none.
        (told.code, told.cut) = (0, true);
        assert_eq!(
            sentence(&told, Form::Short),
            "DNS A c2.example is without such a record in the answer, not read whole"
        );
    }
}
