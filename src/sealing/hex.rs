//! Hexadecimal digits.

/// Whether `text` is hexadecimal digits for just as many bytes; then they are in `into`.
pub(super) fn from_hex(text: &[u8], into: &mut [u8]) -> bool {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if text.len() != into.len() * 2 {
        return false;
    }
    for (byte, pair) in into.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return false };
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { return false };
        *byte = (high << 4) | low;
    }
    true
}
