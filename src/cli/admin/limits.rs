//! Flags about hard limits.

use serde_json::{Map, Number, Value};

/// Hard limits.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct LimitArgs {
    /// Largest amount that one action may move
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    pub max_amount: Option<Number>,
    /// Provider whose actions are allowed, e.g. stripe; repeatable, or separated by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub allow_provider: Vec<String>,
    /// Operation that is allowed, e.g. stripe:create_payment or stripe:*; repeatable, or separated by commas
    #[arg(long, value_name = "OPERATION", value_delimiter = ',')]
    pub allow_method: Vec<String>,
}

impl LimitArgs {
    /// Those that are given.
    pub fn given(&self) -> Map<String, Value> {
        let Self { max_amount, allow_provider, allow_method } = self;
        let list = |values: &[String]| (!values.is_empty()).then(|| Value::from(values));
        let all = [
            ("max_amount", max_amount.clone().map(Value::Number)),
            ("allowed_providers", list(allow_provider)),
            ("allowed_methods", list(allow_method)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

fn amount(text: &str) -> Result<Number, String> {
    let number = serde_json::from_str::<Number>(text).ok();
    number
        .filter(|number| number.as_f64().is_some_and(|amount| amount >= 0.0))
        .ok_or_else(|| format!("`{text}` is no amount; write a number such as 5000 or 99.95"))
}
