//! Does a job and judges the result: sizes are read here, pictures and sound are decoded by the layer itself.

use std::fs;

use super::job::{Job, Output, PictureContent, PictureKind, Product};
use super::picture::{distance, head, spread};
use crate::process::bounded;
use crate::smoke::case::{Answer, Case, says};
use crate::smoke::program::{self, Program};
use crate::smoke::report::{Failure, Outcome, excerpt};
use crate::smoke::setting::Setting;
use crate::smoke::trust::Trust;

/// The spread of grey values below which a picture is taken to be blank; that of the test picture is 83.
const BLANK: f64 = 10.0;

/// The spread of samples below which sound is taken to be silence; that of the tone is 2,800.
const SILENT: f64 = 200.0;

/// How far a picture may be from the frame it shows, in grey values. Measured: a JPEG of the frame is 0.9 away, the
/// frame before it 3.2, and one a second away 8 or more.
const SAME: f64 = 2.5;

/// What jobs are done and judged with.
#[derive(Debug, Clone)]
pub struct Workshop<'a> {
    /// Where everything is.
    pub setting: Setting<'a>,
    /// The ffmpeg of the layer.
    pub ffmpeg: Program<'a>,
    /// The ffprobe of the layer.
    pub ffprobe: Program<'a>,
    /// The folder of the sandbox into which the outputs go.
    pub folder: String,
    /// The grey values of the frame of the film at two seconds.
    pub frame: Vec<u8>,
}

/// A job is not as it must be: what was expected, and what was found.
type Difference = (String, String);

impl Workshop<'_> {
    /// Does a job and judges it.
    pub fn judge(&self, job: &Job) -> Outcome {
        let file = format!("{}/{}", self.folder, job.output.file());
        let target = match job.output {
            Output::File(_) => self.setting.sandbox.path(&file),
            Output::Stdout(_) => "-".to_owned(),
        };
        let arguments = ["-v", "error", "-nostdin", "-y"].into_iter();
        let arguments = arguments.chain(job.arguments.iter().map(String::as_str)).chain([target.as_str()]);
        let command = self.ffmpeg.command(&arguments.collect::<Vec<_>>(), job.trust);
        let failure = |(expected, actual)| Failure { expected, actual, command: command.shell_line() };
        let output = match bounded::run(&command) {
            Ok(output) => output,
            Err(error) => return Outcome::Failed(failure(("exit code 0".to_owned(), error.to_string()))),
        };
        let judged = match &job.product {
            Product::Error(words) => judge_error(&output, words),
            _ if !output.success() => Err(("exit code 0".to_owned(), program::describe(&output))),
            product => self.keep(job.output, &file, &output.stdout).and_then(|()| self.judge_product(product, &file)),
        };
        judged.and_then(|()| job.traffic.judge(self.setting.server)).map_err(failure).into()
    }

    /// Keeps what came to stdout as a file.
    fn keep(&self, output: Output, file: &str, stdout: &[u8]) -> Result<(), Difference> {
        let written = match output {
            Output::File(_) => Ok(()),
            Output::Stdout(_) => self.setting.sandbox.write(file, stdout),
        };
        written.map_err(|error| ("a file with what came to stdout".to_owned(), format!("{error:#}")))
    }

    fn judge_product(&self, product: &Product, file: &str) -> Result<(), Difference> {
        match product {
            Product::Picture { kind, width, height, shows } => {
                self.judge_head(file, *kind, *width, *height)?;
                self.judge_sight(file, u64::from(*width) * u64::from(*height), *shows)
            }
            Product::Media(expected, tolerance) => {
                let case = Case::local(self.setting.sandbox.path(file), expected.clone());
                let (answer, command) = crate::smoke::ffprobe::ask(&self.ffprobe, &case);
                case.expected.judge(&answer, *tolerance).map_err(|(expected, actual)| {
                    let shown = if matches!(answer, Answer::Report(_)) { "" } else { &command };
                    (expected, format!("{actual}\n{shown}"))
                })?;
                self.judge_sound(file)
            }
            Product::Text(parts) => {
                let bytes = self.read(file)?;
                let text = String::from_utf8_lossy(&bytes);
                let all = parts.iter().all(|part| text.contains(part));
                all.then_some(()).ok_or_else(|| (format!("a text with {parts:?}"), excerpt(&bytes)))
            }
            Product::Error(_) => Ok(()),
        }
    }

    fn judge_head(&self, file: &str, kind: PictureKind, width: u32, height: u32) -> Result<(), Difference> {
        let bytes = self.read(file)?;
        let found = head(&bytes);
        if found == Some((kind, width, height)) {
            return Ok(());
        }
        let actual = match found {
            Some((kind, width, height)) => format!("a {kind:?} of {width} by {height}"),
            None => format!("{} bytes that are no picture: {}", bytes.len(), excerpt(&bytes[..bytes.len().min(40)])),
        };
        Err((format!("a {kind:?} of {width} by {height}"), actual))
    }

    /// Decodes a picture to grey values and looks at them.
    fn judge_sight(&self, file: &str, pixels: u64, shows: PictureContent) -> Result<(), Difference> {
        let grey = self.decode(file, &["-f", "rawvideo", "-pix_fmt", "gray"])?;
        if grey.len() as u64 != pixels {
            return Err((format!("{pixels} pixels"), format!("{} pixels when decoded", grey.len())));
        }
        let contrast = spread(grey.iter().map(|&value| f64::from(value))).unwrap_or_default();
        if contrast < BLANK {
            return Err(("a picture with something on it".to_owned(), format!("grey values spread by {contrast:.1}")));
        }
        let apart = distance(&grey, &self.frame);
        if shows == PictureContent::FilmAtTwoSeconds && apart.is_none_or(|apart| apart > SAME) {
            let apart = apart.map_or("another size".to_owned(), |apart| format!("grey values are {apart:.1} apart"));
            return Err(("the frame of the film at two seconds".to_owned(), apart));
        }
        Ok(())
    }

    /// Decodes sound and listens to it.
    fn judge_sound(&self, file: &str) -> Result<(), Difference> {
        let bytes = self.decode(file, &["-map", "0:a", "-f", "s16le"])?;
        let (samples, _) = bytes.as_chunks::<2>();
        let loudness = spread(samples.iter().map(|&sample| f64::from(i16::from_le_bytes(sample)))).unwrap_or_default();
        if loudness < SILENT {
            return Err(("a tone".to_owned(), format!("samples spread by {loudness:.1}")));
        }
        Ok(())
    }

    /// What the layer's ffmpeg makes of a file of the sandbox.
    pub fn decode(&self, file: &str, options: &[&str]) -> Result<Vec<u8>, Difference> {
        let input = self.setting.sandbox.path(file);
        let front = ["-v", "error", "-nostdin", "-i", input.as_str()];
        let arguments: Vec<&str> = front.into_iter().chain(options.iter().copied()).chain(["-"]).collect();
        let command = self.ffmpeg.command(&arguments, Trust::Default);
        let expected = || format!("output of {}", command.shell_line());
        match bounded::run(&command) {
            Ok(output) if output.success() => Ok(output.stdout),
            Ok(output) => Err((expected(), program::describe(&output))),
            Err(error) => Err((expected(), error.to_string())),
        }
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, Difference> {
        fs::read(self.setting.sandbox.outside(file)).map_err(|error| ("a file".to_owned(), format!("{file}: {error}")))
    }
}

fn judge_error(output: &bounded::Output, words: &[&str]) -> Result<(), Difference> {
    let said = program::is_error(output) && (words.is_empty() || says(&String::from_utf8_lossy(&output.stderr), words));
    let expected = || format!("a failure as exit code, and words such as `{}`", words.join("` or `"));
    said.then_some(()).ok_or_else(|| (expected(), program::describe(output)))
}
