//! The paths of the API with their description, as the OpenAPI document.

use tally_node::miner::threads_here;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    accounts, blocks, events, fees, forms, light, mempool, mining, peers, spec, status, submit, tokens, transactions,
};
use crate::server::Shared;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tally",
        description = "The REST interface of a Tally node. Amounts are decimal strings in base units (10^-18 of a coin); \
            bytes are 0x-prefixed hex; times are Unix seconds. Errors are problems (RFC 9457) whose `type` never changes \
            its meaning. Lists are read with opaque cursors: pass `next` of one page as `cursor` of the next. No path \
            takes, makes or returns a private key.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "chain", description = "Blocks, transactions and accounts"),
        (name = "payments", description = "Submitting signed transactions; the pool; fees"),
        (name = "mining", description = "Templates for miners; the node's own miner"),
        (name = "light", description = "What light clients verify"),
        (name = "node", description = "The node itself"),
        (name = "operator", description = "Tokens, and the log of what was done with them")
    ),
    components(schemas(tally_api::ProblemBody))
)]
struct Description;

/// Every path of the API with its description.
pub fn described() -> OpenApiRouter<Shared> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(status::status))
        .routes(routes!(blocks::list))
        .routes(routes!(blocks::one))
        .routes(routes!(blocks::transactions))
        .routes(routes!(transactions::list, submit::one))
        .routes(routes!(submit::batch))
        .routes(routes!(transactions::one))
        .routes(routes!(transactions::receipt))
        .routes(routes!(accounts::one))
        .routes(routes!(accounts::transactions))
        .routes(routes!(accounts::history))
        .routes(routes!(accounts::pending))
        .routes(routes!(mempool::pool))
        .routes(routes!(fees::fees))
        .routes(routes!(mining::status, mining::switch))
        .routes(routes!(mining::template))
        .routes(routes!(mining::submit))
        .routes(routes!(mining::workers))
        .routes(routes!(peers::peers, peers::call))
        .routes(routes!(peers::remove))
        .routes(routes!(peers::ban, peers::unban))
        .routes(routes!(peers::ban_range, peers::unban_range))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(tokens::rotate))
        .routes(routes!(tokens::log))
        .routes(routes!(tokens::sign_in))
        .routes(routes!(tokens::link))
        .routes(routes!(spec::spec))
        .routes(routes!(light::tip))
        .routes(routes!(light::chain))
        .routes(routes!(light::headers))
        .routes(routes!(light::blocks))
        .routes(routes!(light::ancestor))
        .routes(routes!(events::events));
    OpenApiRouter::with_openapi(Description::openapi()).nest("/api/v1", v1)
}

/// The OpenAPI 3.1 document, as JSON.
pub fn document() -> serde_json::Value {
    let mut document = serde_json::to_value(openapi()).expect("the document has only JSON types");
    forms::complete(&mut document);
    // What the handler allows depends on the machine: a number at its type could only be wrong on most of them.
    let switch = &mut document["components"]["schemas"]["SwitchBody"]["properties"];
    switch["threads"]["maximum"] = threads_here().into();
    document
}

fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = described().into_openapi();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "The operator's token, which the node's banner names or prints, or one that was created with it.",
        ))
        .build();
    if let Some(components) = document.components.as_mut() {
        components.add_security_scheme("operator", SecurityScheme::Http(bearer));
    }
    document
}
