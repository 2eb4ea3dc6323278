//! `--set KEY=VALUE` and `--set-file KEY=FILE`: keys of the configuration on the command line.

use clap::Args;

use crate::config::Setting;

/// Keys of the configuration that flags set.
#[derive(Debug, Clone, Default, Args)]
pub struct SetArgs {
    /// Set a key of the configuration, e.g. `decision.deadline=50ms`; the value is YAML; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Set a key of the configuration to the text of a file, without a line break at its end; repeatable
    #[arg(long, value_name = "KEY=FILE")]
    pub set_file: Vec<String>,
}

impl SetArgs {
    /// The settings, those from files last.
    ///
    /// # Errors
    /// What is no setting, or a file that cannot be read.
    pub fn settings(&self) -> Result<Vec<Setting>, String> {
        let mut settings = Vec::new();
        for text in &self.set {
            let (key, value) = apart(text, "--set", "server.listen=127.0.0.1:9000")?;
            if let Some((_, another)) = value.split_once(',').filter(|(_, rest)| is_assignment(rest)) {
                let first = text.strip_suffix(another).unwrap_or(text).trim_end_matches(',');
                return Err(format!(
                    "`--set {text}`: one key each; write `--set '{first}' --set '{}'`",
                    another.trim_start()
                ));
            }
            settings.push(Setting { flag: "--set", key, value, is_text: false });
        }
        for text in &self.set_file {
            let (key, file) = apart(text, "--set-file", "bundles.verification.keys.release.key=release.pem")?;
            let read = std::fs::read_to_string(&file);
            let value =
                read.map_err(|error| format!("`--set-file {text}`: cannot read `{file}`: {error}"))?;
            let value = value.strip_suffix('\n').unwrap_or(&value).to_owned();
            settings.push(Setting { flag: "--set-file", key, value, is_text: true });
        }
        Ok(settings)
    }
}

/// A key and what is written behind `=`.
fn apart(text: &str, flag: &str, example: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(key, _)| !key.trim().is_empty());
    let (key, value) =
        parts.ok_or_else(|| format!("`{flag} {text}` is not KEY=VALUE; write e.g. `{flag} {example}`"))?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// Whether this is another setting, as OPA takes several in one flag.
fn is_assignment(text: &str) -> bool {
    text.trim_start().split_once('=').is_some_and(|(key, _)| {
        key.contains('.') && key.chars().all(|c| c.is_ascii_alphanumeric() || "._[]".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_setting_is_told_what_to_write() {
        let of = |text: &str| SetArgs { set: vec![text.to_owned()], set_file: Vec::new() }.settings();
        for (text, expected) in [
            ("server.listen", "is not KEY=VALUE; write e.g. `--set server.listen="),
            ("=1", "is not KEY=VALUE"),
            ("a.b=1,c.d=2", "one key each; write `--set 'a.b=1' --set 'c.d=2'`"),
        ] {
            let error = of(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        for (text, key, value) in
            [("a.b=c=d", "a.b", "c=d"), (" a = [x, y=1]", "a", " [x, y=1]"), ("a=", "a", "")]
        {
            let expected = Setting { flag: "--set", key: key.into(), value: value.into(), is_text: false };
            assert_eq!(of(text).unwrap(), [expected]);
        }
    }
}
