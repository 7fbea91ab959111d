/** What watches over a policy repository: a workflow for GitHub Actions and a hook for commits. The same for all answers. */

/**
 * `.github/workflows/policy.yml`. Names that somebody else chooses reach a shell only as variables, and the job that may write a
 * comment runs nothing of the pull request.
 */
export const workflowText = `# Checks the policies; on a pull request, says who gains and who loses what by it.
name: policy
on:
  push:
  pull_request:

permissions:
  contents: read

jobs:
  check:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v4
        with: { persist-credentials: false }
      - uses: actions/setup-node@v4
        with: { node-version: 22 }
      - run: npm ci --ignore-scripts
      - run: npx --no -- portcullis policy check policies --strict --config portcullis.config.yaml
      - run: npx --no -- portcullis policy test policies
      - run: npx --no -- portcullis policy prove policies --config portcullis.config.yaml

  diff:
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v4
        with: { persist-credentials: false, fetch-depth: 0 }
      - uses: actions/setup-node@v4
        with: { node-version: 22 }
      - run: npm ci --ignore-scripts
      - name: who gains and who loses what
        env:
          BASE: \${{ github.event.pull_request.base.ref }}
        run: |
          if git cat-file -e "origin/$BASE:policies"; then
            npx --no -- portcullis policy diff "origin/$BASE..HEAD" --format markdown >diff.md
          else
            echo 'The first policies: there is nothing to compare them with.' >diff.md
          fi
          cat diff.md >>"$GITHUB_STEP_SUMMARY"
          if [ "$(wc -c <diff.md)" -gt 60000 ]; then
            echo 'The change of the policies is too long for a comment: see the summary of the run.' >diff.md
          fi
      - uses: actions/upload-artifact@v4
        with: { name: policy-diff, path: diff.md }

  comment:
    needs: diff
    # a fork's run may not write comments: its answer stands in the summary
    if: github.event.pull_request.head.repo.full_name == github.repository
    runs-on: ubuntu-latest
    timeout-minutes: 5
    permissions:
      pull-requests: write
    steps:
      - uses: actions/download-artifact@v4
        with: { name: policy-diff }
      - env:
          GH_TOKEN: \${{ github.token }}
          GH_REPO: \${{ github.repository }}
          NUMBER: \${{ github.event.pull_request.number }}
        run: gh pr comment "$NUMBER" --body-file diff.md --edit-last --create-if-none
`

/** `.githooks/pre-commit`: looks at what is about to be committed, not at what else lies in the folder. */
export const hookText = `#!/bin/sh
# Refuses a commit whose policies do not load, fail a test or a claim, or earn a warning.
# Turn on: git config core.hooksPath .githooks
set -eu
root=$(git rev-parse --show-toplevel)
cd "$root"
staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT
git ls-files -z -- policies | git checkout-index -z --stdin --prefix="$staged/"
cd "$staged"
PATH="$root/node_modules/.bin:$PATH" portcullis policy check policies --strict
`

/** `.pre-commit-config.yaml`, for those who use https://pre-commit.com: the same hook. */
export const preCommitText = `repos:
  - repo: local
    hooks:
      - id: portcullis-policy
        name: portcullis policy check
        entry: sh .githooks/pre-commit
        language: system
        files: ^policies/
        pass_filenames: false
`
