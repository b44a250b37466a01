//! Reads contract ids from the names of tests, which tell the contracts that a run checked.
//!
//! | where | example | ids |
//! |---|---|---|
//! | Rust | `req::hdl_05_hdl_07_stale_ids` | HDL-05, HDL-07 |
//! | Go | `TestREQ03REQ05Orders` | REQ-03, REQ-05 |
//! | Go subtest | `TestOrders/REQ-05_release_first` | REQ-05 |

/// All contract ids in the name of a test, in order, each once.
///
/// An id is a family of the catalogue and two or three digits, at the start of a word: after
/// anything that is not a letter or digit, after a change to upper case, or after another id.
/// The id need not exist: a name with an unknown number is a mistake that the caller reports.
pub(crate) fn contracts_in_name(name: &str, families: &[String]) -> Vec<String> {
    let bytes = name.as_bytes();
    let mut found: Vec<String> = Vec::new();
    let mut at = 0;
    let mut after_id = false;
    while at < bytes.len() {
        let word_start = at == 0 || after_id || starts_word(bytes[at - 1], bytes[at]);
        after_id = false;
        match word_start.then(|| id_at(&bytes[at..], families)).flatten() {
            Some((id, length)) => {
                if !found.contains(&id) {
                    found.push(id);
                }
                at += length;
                after_id = true;
            }
            None => at += 1,
        }
    }
    found
}

fn starts_word(before: u8, first: u8) -> bool {
    !before.is_ascii_alphanumeric() || (before.is_ascii_lowercase() && first.is_ascii_uppercase())
}

/// The id that `text` begins with, and its length in bytes.
fn id_at(text: &[u8], families: &[String]) -> Option<(String, usize)> {
    let family = families.iter().find(|family| {
        let name = family.as_bytes();
        text.starts_with(name) || text.starts_with(name.to_ascii_lowercase().as_slice())
    })?;
    let rest = &text[family.len()..];
    let upper = text[0].is_ascii_uppercase();
    // `REQ03` and `REQ-03` in Go, `req_03` in Rust.
    let separator = match rest.first()? {
        b'-' | b'_' => 1,
        byte if upper && byte.is_ascii_digit() => 0,
        _ => return None,
    };
    let digits = rest[separator..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if !(2..=3).contains(&digits) {
        return None;
    }
    let end = separator + digits;
    // In Rust names a word ends with an underscore: `req_03x` is no id.
    if !upper && rest.get(end).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let number = str::from_utf8(&rest[separator..end]).ok()?;
    Some((format!("{family}-{number}"), family.len() + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(name: &str) -> Vec<String> {
        let families = ["ABI", "EVT", "HDL", "REQ", "VAL"].map(String::from);
        contracts_in_name(name, &families)
    }

    #[test]
    fn rust_names() {
        assert_eq!(ids("req_04_second_completion_is_refused"), ["REQ-04"]);
        assert_eq!(ids("model::req_04_second"), ["REQ-04"]);
        assert_eq!(ids("hdl_05_hdl_07_stale_ids"), ["HDL-05", "HDL-07"]);
        assert_eq!(ids("stale_ids_hdl_05"), ["HDL-05"]);
        assert_eq!(ids("req_04_and_again_req_04"), ["REQ-04"]);
        assert_eq!(ids("req_104_later"), ["REQ-104"]);
    }

    #[test]
    fn go_names() {
        assert_eq!(ids("TestREQ03SecondCompletion"), ["REQ-03"]);
        assert_eq!(ids("TestREQ03"), ["REQ-03"]);
        assert_eq!(ids("TestABI03ABI08Layout"), ["ABI-03", "ABI-08"]);
        assert_eq!(ids("TestREQ03_REQ05"), ["REQ-03", "REQ-05"]);
        assert_eq!(ids("TestX/REQ-03_second"), ["REQ-03"]);
        assert_eq!(ids("TestX/REQ-03#01"), ["REQ-03"]);
        assert_eq!(ids("TestX/req_03_second"), ["REQ-03"]);
        assert_eq!(ids("TestREQ05Orders/HDL-01_close"), ["REQ-05", "HDL-01"]);
    }

    #[test]
    fn what_is_no_id() {
        for name in [
            "",
            "request_04_second",
            "req_4_second",
            "req_04x",
            "req_0444",
            "req04_second",
            "interval_10_ms",
            "my_max_10_items",
            "Req_03",
            "TestXREQ03",
            "TestUTF16",
            "TestREQ3",
        ] {
            assert!(ids(name).is_empty(), "{name}: {:?}", ids(name));
        }
    }

    #[test]
    fn letters_outside_ascii_do_no_harm() {
        assert_eq!(ids("TestÜ/REQ-03_ß"), ["REQ-03"]);
        assert!(ids("ÜREQ").is_empty());
    }
}
