//! `verdict init`: takes a new registry into possession, once.
//!
//! INVARIANT (nothing is lost): the file that the keys go to is begun before they are made; where it cannot be finished, they are
//! shown instead.
//! INVARIANT (nothing is overwritten): credentials that are there stay.
//!
//! Exit code: 0; 1 where there is nothing left to begin, or the server says no; 2 for what could not be tried.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use self::asked::{Wishes, WishesArgs};
use super::admin::api::{Api, Ask, Reply};
use super::admin::credentials::{Credential, Credentials, Draft, OPERATOR};
use super::admin::given;
use super::admin::show::{Output, details, record};
use super::admin::trouble::{Trouble, ended};
use super::print::{note, print};
use super::shell::quoted;
use crate::config::{Environment, Loaded, Overrides, Sources, load};

mod asked;

/// Arguments of `verdict init`.
#[derive(Debug, Clone, clap::Args)]
pub struct InitArgs {
    #[command(flatten)]
    wishes: WishesArgs,
    /// Configuration file of the server [default: VERDICT_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory for the state of the server [default: as configured, else .verdict]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// URL of the management listener [default: as configured]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// File with the bootstrap token [default: bootstrap-token in the state directory]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// File to write the credentials to [default: credentials in the state directory]
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// INSECURE: send the token to another machine over plain HTTP
    #[arg(long)]
    insecure_plain_http: bool,
    /// Output: for people, or the JSON of the API
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Output::Table)]
    output: Output,
}

/// Runs the command.
pub fn run(args: &InitArgs) -> ExitCode {
    ended(begin(args))
}

fn begin(args: &InitArgs) -> Result<(), Trouble> {
    let overrides = Overrides { state: args.state.clone(), ..Overrides::default() };
    let sources =
        Sources { file: args.config.clone(), env: Environment::capture(), overrides, ..Sources::default() };
    let loaded = load(sources).map_err(|error| error.to_string())?;
    let state = &loaded.config.state;
    let path = args.credentials.clone().unwrap_or_else(|| state.join("credentials"));
    if path.exists() {
        return Err(Trouble::Refused(format!(
            "`{}` is there already: the registry has been taken into possession, and that is done once\n\
             hint: `verdict org list` shows what there is; `verdict login` adds a key to the file",
            path.display()
        )));
    }
    let api = api(args, &loaded)?;
    let wishes = args.wishes.complete()?;
    let draft = Draft::begin(&path)?;
    let reply = api.ask(Ask::post(&["v1", "bootstrap"]).body(body(&wishes)))?;
    let credentials = credentials(&reply, &wishes, api.server());
    if let Err(message) = draft.finish(&credentials) {
        // The keys are made, and would be lost.
        record(&reply, Output::Json);
        return Err(Trouble::untried(format!("{message}; the keys are on standard output, keep them")));
    }
    match args.output {
        Output::Json => record(&reply, Output::Json),
        Output::Table => show(&reply, &credentials, &path, &loaded),
    }
    Ok(())
}

fn api(args: &InitArgs, loaded: &Loaded) -> Result<Api, Trouble> {
    let config = &loaded.config;
    let file = args.token_file.clone().unwrap_or_else(|| config.state.join("bootstrap-token"));
    if !file.exists() {
        return Err(Trouble::untried(format!(
            "there is no bootstrap token `{}`\nhint: the server writes it when it starts with a registry (`registry:`) that \
             nobody has taken into possession; --state or --config say where its state is, --token-file where the token is",
            file.display()
        )));
    }
    let origin = format!("`{}`", file.display());
    let token = given::key(&given::text(Some(&file), "the token")?, &origin)?;
    let configured = config.management.reached_at(config.server.listen);
    let server = args.server.clone().or(configured);
    let server = server.ok_or_else(|| {
        "the configuration does not say where management listens (`management.listen`); name it with --server".to_owned()
    })?;
    Api::new(&server, &token, origin, args.insecure_plain_http)
}

fn body(wishes: &Wishes) -> Value {
    let mut body = json!({ "organisation": { "id": wishes.org, "name": wishes.org_name } });
    if let (Some(agent), Some(members)) = (&wishes.agent, body.as_object_mut()) {
        members.insert("agent".to_owned(), json!({ "name": agent }));
    }
    body
}

fn credentials(reply: &Reply, wishes: &Wishes, server: &str) -> Credentials {
    let key = |name: &str| reply.value.get(name).and_then(Value::as_str).map(str::to_owned);
    let organisation = id(reply.value.get("organisation")).unwrap_or_else(|| wishes.org.clone());
    let admin = key("admin_key").map(|key| Credential::new(None, Some(organisation), key));
    let operator = key("operator_key").map(|key| Credential::new(Some(OPERATOR.to_owned()), None, key));
    Credentials { server: Some(server.to_owned()), all: admin.into_iter().chain(operator).collect() }
}

/// The id of a record, or the id itself.
fn id(record: Option<&Value>) -> Option<String> {
    record.and_then(|record| record.get("id").unwrap_or(record).as_str()).map(str::to_owned)
}

fn show(reply: &Reply, credentials: &Credentials, path: &std::path::Path, loaded: &Loaded) {
    let organisation = id(reply.value.get("organisation")).unwrap_or_default();
    let agent = id(reply.value.get("agent"));
    let mut made = json!({ "organisation": organisation, "credentials": path.display().to_string() });
    if let Some(members) = made.as_object_mut() {
        members.extend(agent.clone().map(|agent| ("agent".to_owned(), Value::from(agent))));
        let key = reply.value.get("agent_key").cloned();
        members.extend(key.map(|key| ("agent_key".to_owned(), key)));
    }
    print(&details(&made));
    if made.get("agent_key").is_some() {
        note("note: agent_key is shown this once, keep it now");
    }
    let names: Vec<String> = credentials.all.iter().map(|one| format!("`{}`", one.name)).collect();
    note(&format!("note: the keys {} are in the file, which only you can read", names.join(" and ")));
    note(&format!("\nNext:\n{}", next(path, agent.as_deref(), &organisation, loaded)));
}

/// Commands that work when they are pasted.
fn next(path: &std::path::Path, agent: Option<&str>, organisation: &str, loaded: &Loaded) -> String {
    let mut lines = Vec::new();
    let here = std::env::current_dir().unwrap_or_default();
    if path.strip_prefix(&here).unwrap_or(path) != std::path::Path::new(".verdict/credentials") {
        lines.push(format!("export VERDICT_CREDENTIALS={}", quoted(&path.display().to_string())));
    }
    if agent.is_some()
        && let Some(url) = loaded.config.server.reached_at()
    {
        let document = &loaded.config.decision.default_path;
        lines.push("AGENT_KEY=…  # the key above".to_owned());
        lines.push(format!(
            "curl -s {url}/v1/data/{document} -H \"x-api-key: $AGENT_KEY\" -d '{{\"input\": {{\"action\": \"read\"}}}}'"
        ));
    }
    lines.push("verdict agent list".to_owned());
    lines.push(format!("verdict agent create --org {} --name \"Another agent\" --key", quoted(organisation)));
    lines.push("verdict audit list --as operator".to_owned());
    lines.iter().map(|line| format!("  {line}\n")).collect::<String>().trim_end().to_owned()
}
