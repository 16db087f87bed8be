//! Writes domains that are not ASCII as DNS has them: as A-labels (RFC 5891), which are Punycode
//! (RFC 3492).
//!
//! Characters are put into lower case. Whoever gave out such a domain took care of the rest of
//! IDNA: a label of which that is not true would be another domain, so it is refused.

/// The longest label of a domain.
const LABEL_MAX: usize = 63;
/// What an A-label begins with.
const PREFIX: &str = "xn--";

const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const INITIAL_BIAS: u32 = 72;
const INITIAL_N: u32 = 0x80;

/// A domain in ASCII; `None` if it cannot be written so.
pub(super) fn ascii_domain(domain: &str) -> Option<String> {
    let labels = domain.split('.').map(|label| match label.is_ascii() {
        true => Some(label.to_owned()),
        false => a_label(label),
    });
    Some(labels.collect::<Option<Vec<_>>>()?.join("."))
}

fn a_label(label: &str) -> Option<String> {
    let label: Vec<char> = label.chars().flat_map(char::to_lowercase).collect();
    let is_letter = |c: &char| (c.is_alphanumeric() && !is_compatible(*c)) || *c == '-';
    if label.len() > LABEL_MAX || !label.iter().all(is_letter) {
        return None;
    }
    let label = PREFIX.to_owned() + &punycode(&label)?;
    (label.len() <= LABEL_MAX).then_some(label)
}

/// Whether a letter is in one of the blocks of letters that stand for others, such as `ﬁ`, which IDNA
/// forbids (RFC 5892 section 2.2).
fn is_compatible(letter: char) -> bool {
    const BLOCKS: [(char, char); 19] = [
        ('ª', 'ª'),
        ('²', '³'),
        ('¹', 'º'),
        ('Ĳ', 'ĳ'),
        ('Ŀ', 'ŀ'),
        ('ŉ', 'ŉ'),
        ('ſ', 'ſ'),
        ('Ǆ', 'ǌ'),
        ('Ǳ', 'ǳ'),
        ('\u{2B0}', '\u{2FF}'),
        ('\u{1D2C}', '\u{1DBF}'),
        ('\u{2070}', '\u{24FF}'),
        ('\u{3200}', '\u{33FF}'),
        ('\u{F900}', '\u{FDFF}'),
        ('\u{FE70}', '\u{FEFF}'),
        ('\u{FF00}', '\u{FFEF}'),
        ('\u{1D400}', '\u{1D7FF}'),
        ('\u{1F100}', '\u{1F1FF}'),
        ('\u{2F800}', '\u{2FA1F}'),
    ];
    BLOCKS.iter().any(|(first, last)| (*first..=*last).contains(&letter))
}

/// The Punycode of a label (RFC 3492 section 6.3); `None` if a number in it becomes too large.
fn punycode(label: &[char]) -> Option<String> {
    let mut output: String = label.iter().filter(|c| c.is_ascii()).collect();
    let basic = u32::try_from(output.len()).ok()?;
    if basic > 0 {
        output.push('-');
    }
    let (mut n, mut delta, mut bias, mut handled) = (INITIAL_N, 0_u32, INITIAL_BIAS, basic);
    // Each round writes the places of one character, from the lowest on.
    while let Some(next) = label.iter().map(|c| u32::from(*c)).filter(|c| *c >= n).min() {
        delta = delta.checked_add((next - n).checked_mul(handled + 1)?)?;
        n = next;
        for c in label.iter().map(|c| u32::from(*c)) {
            if c < n {
                delta = delta.checked_add(1)?;
            } else if c == n {
                push_integer(&mut output, delta, bias);
                bias = adapted(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.checked_add(1)?;
        n += 1;
    }
    Some(output)
}

/// Writes a number in digits of variable weight.
fn push_integer(output: &mut String, number: u32, bias: u32) {
    let mut rest = number;
    let mut k = BASE;
    loop {
        let threshold = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
        if rest < threshold {
            break;
        }
        let range = BASE - threshold;
        output.extend(digit(threshold + (rest - threshold) % range));
        rest = (rest - threshold) / range;
        k += BASE;
    }
    output.extend(digit(rest));
}

/// The bias for the next number (RFC 3492 section 6.1).
fn adapted(delta: u32, handled: u32, is_first: bool) -> u32 {
    let mut delta = if is_first { delta / DAMP } else { delta / 2 };
    delta += delta / handled;
    let mut k = 0;
    while delta > (BASE - T_MIN) * T_MAX / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + (BASE - T_MIN + 1) * delta / (delta + SKEW)
}

/// A digit: `a` to `z`, then `0` to `9`.
fn digit(value: u32) -> Option<char> {
    let first = if value < 26 { u32::from(b'a') } else { u32::from(b'0') - 26 };
    char::from_u32(first + value)
}

#[cfg(test)]
mod tests {
    use super::ascii_domain;

    #[test]
    fn domains_are_those_of_dns() {
        let check = |domain: &str, expected: Option<&str>| {
            assert_eq!(ascii_domain(domain).as_deref(), expected, "{domain}");
        };
        check("Example.org", Some("Example.org"));
        check("exämple.com", Some("xn--exmple-cua.com"));
        check("BÜCHER.example", Some("xn--bcher-kva.example"));
        check("faß.de", Some("xn--fa-hia.de"));
        check("例え.テスト", Some("xn--r8jz45g.xn--zckzah"));
        check("президент.рф", Some("xn--d1abbgf6aiiy.xn--p1ai"));
        check("παράδειγμα.gr", Some("xn--hxajbheg2az3al.gr"));
        // A combining character, a full stop of another script, a label that is too long.
        check("exa\u{308}mple.com", None);
        check("例え。テスト", None);
        // Letters that stand for others.
        check("ﬁnd.com", None);
        check("ｅxample.com", None);
        check(&"ä".repeat(64), None);
        check(&"\u{10FFFF}ä".repeat(20), None);
    }
}
