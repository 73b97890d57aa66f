//! Certificates that are found without configuration: the checks replace each bundle in turn by one that holds the test
//! server's authority.

use super::case::{Answer, Case, Expected};
use super::cases::Cases;
use super::notes::Notes;
use super::report::Outcome;
use super::setting::SYSTEM_BUNDLES;
use super::trust::Trust;

/// A layer whose lookup of certificates is checked.
pub struct Bundles<'a> {
    /// Where the layer is.
    pub at: &'a str,
    /// Where the layer looks for certificates of its own, as paths in the layer, first one first.
    pub own: &'a [&'static str],
    /// Makes the questions.
    pub cases: &'a Cases<'a>,
    /// Asks the layer; gives the answer and the command that was run.
    pub ask: &'a dyn Fn(&Case) -> (Answer, String),
}

impl Bundles<'_> {
    /// Without any configuration the system's certificates are used, and where there are none, the layer's own.
    pub fn check(&self, notes: &mut Notes) -> anyhow::Result<()> {
        let at = self.at;
        let own: Vec<String> = self.own.iter().map(|own| format!("{at}/{own}")).collect();
        for place in SYSTEM_BUNDLES.into_iter().chain(own.iter().map(String::as_str)) {
            let name = format!("{at}: https without configuration, with certificates in {place}");
            // Only one place has them, so that no other can help.
            let others = own.iter().filter(|other| *other != place && own.iter().any(|own| own == place));
            let others = others.map(|other| (other.as_str(), None));
            let files: Vec<_> = others.chain([(place, Some(self.authority()))]).collect();
            notes.add(name, self.outcome(&files, Trust::Default, &self.report()?)?);
        }
        let name = format!("{at}: SSL_CERT_FILE wins over the certificates in the layer");
        notes.add(name, self.in_layer(Trust::UntrustedCa, &Expected::CertificateError)?);
        Ok(())
    }

    /// The order of the places, as far as a mistake in it would trust somebody whom the user does not.
    pub fn check_order(&self, notes: &mut Notes) -> anyhow::Result<()> {
        let at = self.at;
        let name = format!("{at}: SSL_CERT_FILE that is not there is an error, whatever is in the layer");
        notes.add(name, self.in_layer(Trust::Missing, &Expected::Error)?);
        let untrusted = super::server::tls::Identity::generate()?.authority;
        let own = format!("{at}/{}", self.own[0]);
        let files = [(SYSTEM_BUNDLES[0], Some(untrusted.as_str())), (own.as_str(), Some(self.authority()))];
        let name = format!("{at}: the system's certificates win over those in the layer");
        notes.add(name, self.outcome(&files, Trust::Default, &Expected::CertificateError)?);
        Ok(())
    }

    /// Asks over https while the layer itself knows the authority.
    fn in_layer(&self, trust: Trust, expected: &Expected) -> anyhow::Result<Outcome> {
        let own = format!("{}/{}", self.at, self.own[0]);
        let question = self.question(trust, expected)?;
        self.cases.setting.with_files(&[(&own, Some(self.authority()))], || self.answer(&question))
    }

    /// Asks over https with files like this, where the machine's own certificates cannot help.
    fn outcome(&self, files: &[(&str, Option<&str>)], trust: Trust, expected: &Expected) -> anyhow::Result<Outcome> {
        let setting = &self.cases.setting;
        if !setting.sandbox.hides_the_machine() {
            let reason = "the layer would find this machine's own certificates first".to_owned();
            return Ok(Outcome::Skipped { reason, remedy: "see the first check".to_owned() });
        }
        let question = self.question(trust, expected)?;
        setting.with_files(files, || self.answer(&question))
    }

    fn question(&self, trust: Trust, expected: &Expected) -> anyhow::Result<Case> {
        let path = self.cases.put_fixture("bundle-", self.cases.movie()?);
        let url = self.cases.setting.server.https(&path);
        Ok(Case { trust, ..self.cases.case(String::new(), url, expected.clone()) })
    }

    fn answer(&self, question: &Case) -> Outcome {
        let (answer, command) = (self.ask)(question);
        self.cases.setting.judge(question, &answer, &command)
    }

    fn report(&self) -> anyhow::Result<Expected> {
        Ok(Expected::Report(self.cases.movie()?.expected.clone()))
    }

    fn authority(&self) -> &str {
        self.cases.setting.server.authority()
    }
}
