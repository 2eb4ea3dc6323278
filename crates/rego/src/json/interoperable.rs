//! Interoperable numbers (RFC 7493 section 2.2): those that other readers of JSON do not change.
//!
//! This reader preserves every number. But inputs are recorded, forwarded and read by programs whose numbers are 64-bit
//! integers and doubles; numbers that these would change are rejected.

/// Whether a number survives other readers unchanged.
///
/// Integers must fit 64 bits. What has a fraction names its nearest double up to 17 significant digits, which is what
/// printers of doubles write at the most. All else must have the same decimal value as the double that it is read as.
pub fn is_interoperable(token: &str) -> bool {
    if token.len() <= 15 && !token.contains(['e', 'E']) {
        return true;
    }
    if !token.contains(['.', 'e', 'E']) && (token.parse::<u64>().is_ok() || token.parse::<i64>().is_ok()) {
        return true;
    }
    let Ok(double) = token.parse::<f64>() else { return true };
    if !double.is_finite() {
        return false;
    }
    let Some((digits, exponent)) = decimal(token) else { return false };
    if token.contains('.') && digits.len() <= 17 && (double != 0.0 || digits.is_empty()) {
        return true;
    }
    decimal(&format!("{double:e}")).is_some_and(|read| read == (digits, exponent))
}

/// Significant digits without zeros at either end, and the power of ten of the last of them.
fn decimal(token: &str) -> Option<(String, i64)> {
    let token = token.strip_prefix('-').unwrap_or(token);
    let (mantissa, exponent) = match token.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (token, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let digits = all.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    let trailing = i64::try_from(digits.len() - significant.len()).ok()?;
    let exponent = if significant.is_empty() { 0 } else { exponent.checked_add(trailing)? };
    Some((significant.to_owned(), exponent))
}

/// What is wrong with one that does not.
pub fn lossy(token: &str) -> String {
    format!("the number `{}` would not keep its value (64-bit integers and doubles do)", shorten(token))
}

pub(super) fn shorten(token: &str) -> String {
    match token.get(..40) {
        Some(start) if token.len() > 40 => format!("{start}…"),
        _ => token.to_owned(),
    }
}
