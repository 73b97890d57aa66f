//! Whom the policy of a layer version lets in.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::model::Audience;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    statement: Vec<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: String,
    principal: Value,
    #[serde(default)]
    action: Value,
    #[serde(default)]
    condition: Value,
}

/// Reads the text that `GetLayerVersionPolicy` gives. Statements that are not of our kind are passed over.
///
/// # Errors
/// If it is not a policy.
pub fn audience(text: &str) -> Result<BTreeSet<Audience>> {
    let policy: Policy = serde_json::from_str(text).context("the layer's policy cannot be read")?;
    Ok(policy.statement.iter().filter_map(grant).collect())
}

fn grant(statement: &Statement) -> Option<Audience> {
    if statement.effect != "Allow" || statement.action.as_str() != Some("lambda:GetLayerVersion") {
        return None;
    }
    let principal = statement.principal.as_str().or_else(|| statement.principal.get("AWS")?.as_str())?;
    if principal != "*" {
        // A number, or `arn:aws:iam::123456789012:root`.
        let account = principal.split(':').nth(4).unwrap_or(principal);
        return account.parse().ok().map(Audience::Account);
    }
    if statement.condition.is_null() {
        return Some(Audience::Public);
    }
    let organization = statement.condition.pointer("/StringEquals/aws:PrincipalOrgID")?.as_str()?;
    organization.parse().ok().map(Audience::Organization)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_kinds_of_statements_are_known() {
        let text = r#"{"Version":"2012-10-17","Id":"default","Statement":[
            {"Sid":"a","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"x"},
            {"Sid":"b","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"x",
             "Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}},
            {"Sid":"c","Effect":"Allow","Principal":{"AWS":"arn:aws-cn:iam::123456789012:root"},
             "Action":"lambda:GetLayerVersion","Resource":"x"},
            {"Sid":"d","Effect":"Allow","Principal":{"AWS":"210987654321"},"Action":"lambda:GetLayerVersion","Resource":"x"}]}"#;
        let expected = [
            Audience::Public,
            Audience::Organization("o-a1b2c3d4e5".parse().expect("an organization")),
            Audience::Account("123456789012".parse().expect("an account")),
            Audience::Account("210987654321".parse().expect("an account")),
        ];
        assert_eq!(audience(text).expect("a policy"), expected.into());
    }

    #[test]
    fn what_is_narrower_than_it_looks_is_not_public() {
        let text = r#"{"Statement":[
            {"Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Condition":{"IpAddress":{}}},
            {"Effect":"Deny","Principal":"*","Action":"lambda:GetLayerVersion"}]}"#;
        assert_eq!(audience(text).expect("a policy"), BTreeSet::new());
        assert!(audience("").is_err());
    }
}
