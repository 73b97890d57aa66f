new lambda.Function(this, 'Probe', {
  code: lambda.Code.fromAsset('src'),
  handler: 'app.handler',
  runtime: new lambda.Runtime('{runtime}'),
  architecture: lambda.Architecture.{cdk-arch},
  layers: [lambda.LayerVersion.fromLayerVersionArn(this, 'Media', '{arn}')],
});
