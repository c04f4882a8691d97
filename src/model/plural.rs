//! Numbers with their words.

/// The `s` that a word takes, unless there is one of it.
pub fn plural(n: u64) -> &'static str {
    if n == 1 { "" } else { "s" }
}

/// `1 signal`, `1200 signals`. Digits are not grouped: these sentences are JSON's as well.
pub fn counted(n: u64, word: &str) -> String {
    format!("{n} {word}{}", plural(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        let told = [0, 1, 2, 1200].map(|n| counted(n, "signal"));
        assert_eq!(told, ["0 signals", "1 signal", "2 signals", "1200 signals"]);
    }
}
