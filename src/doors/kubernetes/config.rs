//! `doors.kubernetes:` in the configuration, and the door that is made of it.

use serde::{Deserialize, Serialize};

use super::{access, admission};
use crate::authorize::Form;
use crate::model::request::EntryPath;
use crate::pdp::input::About;

/// `doors.kubernetes:` in the configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The document that decides what users may do; without it, nobody is answered.
    pub authorize: Option<String>,
    /// The document that decides what is admitted; without it, nobody is answered.
    pub admit: Option<String>,
}

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::doors) enum Route {
    Authorize,
    Admit,
}

/// One webhook, ready to answer.
#[derive(Debug)]
pub(in crate::doors) struct Webhook {
    /// The document that decides.
    pub(in crate::doors) document: EntryPath,
    /// Says what of a result cannot be told.
    pub(super) form: Form,
}

impl Webhook {
    /// None where the key names no document.
    fn new(key: &str, document: Option<&str>, form: Form) -> Result<Option<Self>, (String, String)> {
        let document = document.map(EntryPath::parse).transpose();
        let document = document.map_err(|error| (key.to_owned(), error))?;
        Ok(document.map(|document| Self { document, form }))
    }
}

/// What API servers are answered with.
#[derive(Debug)]
pub struct Door {
    authorize: Option<Webhook>,
    admit: Option<Webhook>,
    about: About,
}

impl Door {
    /// Makes it of its configuration.
    ///
    /// # Errors
    /// What is wrong, with the key below `doors.kubernetes`.
    pub fn new(config: &Config, about: About) -> Result<Self, (String, String)> {
        let Config { authorize, admit } = config;
        Ok(Self {
            authorize: Webhook::new("authorize", authorize.as_deref(), access::check)?,
            admit: Webhook::new("admit", admit.as_deref(), admission::check)?,
            about,
        })
    }

    /// What answers; none where the configuration names no document.
    pub(in crate::doors) const fn webhook(&self, route: Route) -> Option<&Webhook> {
        match route {
            Route::Authorize => self.authorize.as_ref(),
            Route::Admit => self.admit.as_ref(),
        }
    }

    /// Whom its calls are about.
    pub(super) const fn about(&self) -> &About {
        &self.about
    }
}
