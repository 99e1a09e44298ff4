"""From a scenario to the manifests that run it on KubeRay. Pure, but for the file that writes them."""
