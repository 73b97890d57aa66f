resource "aws_lambda_function" "probe" {
  function_name = "probe"
  filename      = "probe.zip"
  handler       = "app.handler"
  runtime       = "{runtime}"
  architectures = ["{arch}"]
  role          = aws_iam_role.probe.arn
  layers        = ["{arn}"]
}
