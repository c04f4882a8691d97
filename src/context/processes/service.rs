//! Which service an `svchost.exe` runs for.

use crate::eventlog::normalise::image::image_name;
use crate::model::Text;

/// The service an `svchost` was started for: the word behind `-s`, beside `-k GROUP`.
pub fn service_of(image: &str, command_line: &str) -> Option<Text> {
    if !image_name(image).eq_ignore_ascii_case("svchost.exe") {
        return None;
    }
    let mut words = command_line.split_whitespace();
    words.find(|word| word.eq_ignore_ascii_case("-s"))?;
    let service = words.next()?.trim_matches('"');
    (!service.is_empty() && !service.starts_with('-')).then(|| service.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_svchost_runs_for_a_service() {
        let svchost = r"C:\Windows\System32\svchost.exe";
        for (image, line, service) in [
            (
                svchost,
                r"svchost.exe -k NetworkService -p -s Dnscache",
                Some("Dnscache"),
            ),
            (svchost, r"svchost.exe -k netsvcs -p", None),
            (svchost, r"svchost.exe -k netsvcs -s", None),
            (svchost, r"svchost.exe -s -k netsvcs", None),
            (r"C:\x.exe", r"x.exe -s Dnscache", None),
        ] {
            assert_eq!(service_of(image, line).as_deref(), service, "{line}");
        }
    }
}
