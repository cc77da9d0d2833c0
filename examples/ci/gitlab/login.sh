# Sourced by a job's shell: short-lived credentials from the job's own identity (id_tokens); no key is stored.
# shellcheck shell=bash
tokens=$(mktemp -d)
if [ -n "${GCP_AUDIENCE:-}" ]; then
  printf '%s' "$GCP_TOKEN" >"$tokens/gcp"
  jq -n --arg audience "$GCP_AUDIENCE" --arg file "$tokens/gcp" --arg account "$GCP_SERVICE_ACCOUNT" '{
    type: "external_account", audience: $audience,
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt", token_url: "https://sts.googleapis.com/v1/token",
    service_account_impersonation_url:
      "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/\($account):generateAccessToken",
    credential_source: {file: $file}
  }' >"$tokens/gcp.json"
  export GOOGLE_APPLICATION_CREDENTIALS="$tokens/gcp.json"
  gcloud auth login --quiet --cred-file="$GOOGLE_APPLICATION_CREDENTIALS"
fi
if [ -n "${AWS_ROLE_ARN:-}" ]; then
  printf '%s' "$AWS_TOKEN" >"$tokens/aws"
  export AWS_WEB_IDENTITY_TOKEN_FILE="$tokens/aws" AWS_ROLE_SESSION_NAME="gitlab-$CI_JOB_ID"
fi
if [ -n "${PULUMI_ORGANIZATION:-}" ]; then
  printf '%s' "$PULUMI_TOKEN" >"$tokens/pulumi"
  pulumi login --oidc-token "file://$tokens/pulumi" --oidc-org "$PULUMI_ORGANIZATION" --oidc-expiration "${CREDENTIALS_LAST:-1h}"
else
  pulumi login "$PULUMI_BACKEND_URL"
fi
