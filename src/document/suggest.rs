//! What was probably meant.

/// The word that was probably meant. Case and the separators `-`, `_` and `__` are how people get a name wrong, so they
/// do not count.
pub(crate) fn closest<'a>(given: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_'], "");
    let given = plain(given);
    words
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&given, &plain(word)), word))
        .filter(|(distance, word)| *distance <= (word.len() / 3).max(1) && *distance < given.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// A hint that begins with the guess, if there is one.
pub(crate) fn did_you_mean(guess: Option<&str>, rest: &str) -> String {
    match guess {
        Some(guess) => format!("did you mean `{guess}`? {rest}"),
        None => rest.to_owned(),
    }
}

/// Words in backticks, separated by commas.
pub(crate) fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
