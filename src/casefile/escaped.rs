//! A path whose name is no Unicode, as text and back: JSON has no bytes.
//!
//! The bytes that are none of UTF-8, and the percent sign, are written as `%` and two hexadecimal digits.
//! Only systems whose paths are bytes (Unix) have such names; on others nothing is escaped.

use std::path::{Path, PathBuf};

/// The path, escaped; `None` if it is Unicode and needs none.
#[cfg(unix)]
pub fn escaped(path: &Path) -> Option<String> {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;
    if path.to_str().is_some() {
        return None;
    }
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        text.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    Some(text)
}

/// The path that was escaped so; `None` if this is no such text.
#[cfg(unix)]
pub fn unescaped(text: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let mut digit = || char::from(*rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            byte => *byte,
        };
        bytes.push(byte);
    }
    Some(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

/// Paths are Unicode here, but for lone surrogates.
#[cfg(not(unix))]
pub fn escaped(_: &Path) -> Option<String> {
    None
}

/// Nothing was escaped here.
#[cfg(not(unix))]
pub fn unescaped(_: &str) -> Option<PathBuf> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    #[test]
    fn a_name_that_is_no_unicode_is_written_and_read_back() {
        let path = PathBuf::from(OsString::from_vec(
            b"/ev/100%/\xC3\xA9\xFF\xE2\x82.pcap".to_vec(),
        ));
        let text = escaped(&path).unwrap();
        assert_eq!(text, "/ev/100%25/\u{e9}%FF%E2%82.pcap");
        assert_eq!(unescaped(&text), Some(path));
        assert_eq!(escaped(Path::new("/ev/100%/\u{e9}")), None);
        for broken in ["%", "%4", "%zz", "a%F", "%\u{e9}"] {
            assert_eq!(unescaped(broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn every_path_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let path = PathBuf::from(OsString::from_vec(bytes));
            match escaped(&path) {
                Some(text) => prop_assert_eq!(unescaped(&text), Some(path)),
                None => prop_assert!(path.to_str().is_some()),
            }
        }
    }
}
