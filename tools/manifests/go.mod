module goldenpath/tools/manifests

go 1.26

require (
	github.com/cert-manager/cert-manager v1.21.2
	github.com/external-secrets/external-secrets v1.3.2
)
