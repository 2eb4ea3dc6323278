//! What a configuration is loaded for, and what insecure things that accepts.

/// What a configuration is loaded for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// To be printed: whatever has a meaning.
    #[default]
    Inspect,
    /// `verdict dev`: what is insecure is taken, with a warning.
    Dev,
    /// `verdict run`: what is insecure is refused, save what the flags name.
    Run(Insecure),
}

impl Profile {
    /// Whether the development issuer is to be trusted, besides those that are configured.
    pub const fn trusts_dev_issuer(self) -> bool {
        match self {
            Self::Inspect => false,
            Self::Dev => true,
            Self::Run(insecure) => insecure.dev_issuer,
        }
    }
}

/// The insecure things that flags of `verdict run` allow by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Insecure {
    /// `--insecure-dev-issuer`
    pub dev_issuer: bool,
    /// `--insecure-listen`
    pub listen: bool,
    /// `--insecure-no-audience`
    pub no_audience: bool,
    /// `--insecure-http-jwks`
    pub http_jwks: bool,
    /// `--insecure-optional-identity`
    pub optional_identity: bool,
    /// `--insecure-plain-http`
    pub plain_http: bool,
    /// `--skip-verify`
    pub skip_verify: bool,
    /// `--insecure-ignore-log-mask`
    pub ignore_log_mask: bool,
}

/// One of the insecure things.
#[derive(Debug, Clone, Copy)]
pub(super) enum Danger {
    DevIssuer,
    Listen,
    NoAudience,
    HttpJwks,
    OptionalIdentity,
    PlainHttp,
    SkipVerify,
    IgnoreLogMask,
}

impl Danger {
    pub(super) const fn flag(self) -> &'static str {
        match self {
            Self::DevIssuer => "--insecure-dev-issuer",
            Self::Listen => "--insecure-listen",
            Self::NoAudience => "--insecure-no-audience",
            Self::HttpJwks => "--insecure-http-jwks",
            Self::OptionalIdentity => "--insecure-optional-identity",
            Self::PlainHttp => "--insecure-plain-http",
            Self::SkipVerify => "--skip-verify",
            Self::IgnoreLogMask => "--insecure-ignore-log-mask",
        }
    }

    pub(super) const fn allowed_by(self, insecure: Insecure) -> bool {
        match self {
            Self::DevIssuer => insecure.dev_issuer,
            Self::Listen => insecure.listen,
            Self::NoAudience => insecure.no_audience,
            Self::HttpJwks => insecure.http_jwks,
            Self::OptionalIdentity => insecure.optional_identity,
            Self::PlainHttp => insecure.plain_http,
            Self::SkipVerify => insecure.skip_verify,
            Self::IgnoreLogMask => insecure.ignore_log_mask,
        }
    }
}
