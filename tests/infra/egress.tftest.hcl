# The way out: one kept address for one subnetwork.

mock_provider "google" {
  mock_resource "google_compute_address" {
    defaults = { address = "192.0.2.7", self_link = "address" }
  }
}

variables {
  project_id = "acme-sec"
  region     = "europe-west1"
  name       = "halo-jira-sync"
}

run "egress" {
  module {
    source = "./infra/egress"
  }

  assert {
    condition     = google_compute_router_nat.egress.nat_ip_allocate_option == "MANUAL_ONLY" && google_compute_router_nat.egress.nat_ips == toset(["address"])
    error_message = "Everything must leave from the one kept address."
  }
  assert {
    condition     = google_compute_subnetwork.egress.private_ip_google_access && !google_compute_network.egress.auto_create_subnetworks
    error_message = "Google's own APIs must be reached from the one subnetwork."
  }
  assert {
    condition     = output.address == "192.0.2.7"
    error_message = "The address must be told, for the allow-lists."
  }
}

run "egress_with_a_range_too_small" {
  module {
    source = "./infra/egress"
  }
  command = plan
  variables {
    range = "10.0.0.0/28"
  }
  expect_failures = [var.range]
}
