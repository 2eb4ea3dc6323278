//! What a new registry is to begin with: from flags, or asked for on a terminal.

use std::io::{IsTerminal as _, Write as _};

use crate::cli::admin::trouble::Trouble;

/// What a registry is to begin with, as far as flags say.
#[derive(Debug, Clone, clap::Args)]
pub struct WishesArgs {
    /// Id of the first organisation, e.g. acme-corp
    #[arg(long, value_name = "ID")]
    org: Option<String>,
    /// What people call the organisation
    #[arg(long, value_name = "NAME")]
    org_name: Option<String>,
    /// Name of the first agent, which gets a key
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Make no agent
    #[arg(long, conflicts_with = "agent")]
    no_agent: bool,
    /// Ask nothing; take the defaults for what is not given
    #[arg(short, long)]
    yes: bool,
}

/// What a registry is to begin with.
#[derive(Debug, PartialEq, Eq)]
pub struct Wishes {
    pub org: String,
    pub org_name: String,
    pub agent: Option<String>,
}

const ORG: &str = "my-org";
const AGENT: &str = "First Agent";

impl WishesArgs {
    /// All of it: what is not given is asked for, or has a default.
    ///
    /// # Errors
    /// It is to be asked for, and there is nobody to ask.
    pub fn complete(&self) -> Result<Wishes, Trouble> {
        let there = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        if !self.yes && !there && self.org.is_none() {
            return Err(Trouble::untried(
                "there is no terminal to ask on: give --org and what else is to be made, or --yes for the defaults",
            ));
        }
        let ask = |question: &str, default: &str| match !self.yes && there {
            true => asked(question, default),
            false => Ok(default.to_owned()),
        };
        let or = |given: &Option<String>, question, default: &str| match given {
            Some(given) => Ok(given.clone()),
            None => ask(question, default),
        };
        let org = or(&self.org, "Organisation's id", ORG)?;
        let org_name = or(&self.org_name, "Organisation's name", &title(&org))?;
        let agent = match self.no_agent {
            true => None,
            false => Some(or(&self.agent, "First agent's name, - for none", AGENT)?),
        };
        Ok(Wishes { org, org_name, agent: agent.filter(|name| name != "-") })
    }
}

fn asked(question: &str, default: &str) -> Result<String, Trouble> {
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "{question} [{default}]: ").and_then(|()| err.flush());
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(0) => Err(Trouble::untried("nothing was made: the input ended")),
        Ok(_) if line.trim().is_empty() => Ok(default.to_owned()),
        Ok(_) => Ok(line.trim().to_owned()),
        Err(error) => Err(Trouble::untried(format!("cannot read the terminal: {error}"))),
    }
}

/// `acme-corp` is Acme Corp.
fn title(id: &str) -> String {
    let words = id.split(['-', '_']).filter(|word| !word.is_empty()).map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_has_a_default() {
        let flags = WishesArgs {
            org: Some("acme-corp".to_owned()),
            org_name: None,
            agent: None,
            no_agent: false,
            yes: true,
        };
        let wishes = flags.complete().unwrap();
        let expected = Wishes {
            org: "acme-corp".to_owned(),
            org_name: "Acme Corp".to_owned(),
            agent: Some(AGENT.to_owned()),
        };
        assert_eq!(wishes, expected);
        let none = WishesArgs { no_agent: true, ..flags.clone() };
        assert_eq!(none.complete().unwrap().agent, None);
        let dash = WishesArgs { agent: Some("-".to_owned()), ..flags };
        assert_eq!(dash.complete().unwrap().agent, None);
    }
}
