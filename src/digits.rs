//! Numbers in decimal digits.

/// The largest number to which another digit can be added, whichever that is.
const MOST: u64 = (u64::MAX - 9) / 10;

/// A number that is written in digits, and in nothing else. None if there is none, or it is too large: beyond
/// 18,446,744,073,709,551,609, where a multiplication that notices would cost more than all else here.
#[must_use]
pub fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0, |number, sign| followed_by(number, *sign))
}

/// The numbers in a text of this form, in which each `0` stands for a digit and every other sign for itself, between two
/// numbers. Where there is no digit beside such a sign, the number is 0.
#[must_use]
pub fn numbers<const N: usize>(text: &[u8], form: &[u8]) -> Option<[u64; N]> {
    if text.len() != form.len() {
        return None;
    }
    let mut numbers = [0; N];
    let mut places = numbers.iter_mut();
    let mut number = places.next()?;
    for (sign, wanted) in text.iter().zip(form) {
        if *wanted == b'0' {
            *number = followed_by(*number, *sign)?;
        } else if sign == wanted {
            number = places.next()?;
        } else {
            return None;
        }
    }
    Some(numbers)
}

/// Writes a number over a text of digits, as many of its last as there is room for.
pub fn write(text: &mut [u8], mut number: u64) {
    for digit in text.iter_mut().rev() {
        *digit = (number % 10).to_le_bytes()[0] | b'0';
        number /= 10;
    }
}

fn followed_by(number: u64, sign: u8) -> Option<u64> {
    let digit = sign.checked_sub(b'0').filter(|digit| *digit < 10)?;
    (number <= MOST).then(|| number.wrapping_mul(10).wrapping_add(u64::from(digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_a_number() {
        assert_eq!(number(b"007"), Some(7));
        assert_eq!(number(b"18446744073709551609"), Some(18_446_744_073_709_551_609));
        for text in ["", "+1", "-1", "1.", " 1", "1e2", "\u{661}", "18446744073709551610", "18446744073709551616"] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_form_is_kept_to_the_sign() {
        assert_eq!(numbers(b"12:30", b"00:00"), Some([12, 30]));
        assert_eq!(numbers(b" 12 ", b" 00 "), Some([0, 12, 0]));
        for text in ["12:3", "12:300", "12-30", "12:3x", "1:300"] {
            assert_eq!(numbers::<2>(text.as_bytes(), b"00:00"), None, "{text}");
        }
    }

    #[test]
    fn a_number_fills_its_room() {
        let mut text = *b"yyyy-mm";
        let (year, month) = text.split_at_mut(4);
        write(year, 99);
        write(&mut month[1..], 112);
        assert_eq!(&text, b"0099-12");
    }
}
