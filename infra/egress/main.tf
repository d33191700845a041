# The way out: a small network whose traffic leaves from one static address, for Halo keys that are limited to addresses.
#
# Promises: one address, kept for as long as this module is; nothing can come in.
# Not here: firewall rules. Cloud Run opens connections, and nothing listens in this network.

terraform {
  required_version = ">= 1.11"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 9.0"
    }
  }
}

variable "project_id" {
  description = "Project of the network."
  type        = string
}

variable "region" {
  description = "Region of the job."
  type        = string
}

variable "name" {
  description = "Name of the network and everything in it."
  type        = string
}

variable "range" {
  description = "Private range of the subnetwork. Cloud Run asks for a /26 or larger."
  type        = string
  default     = "10.20.0.0/26"

  validation {
    condition     = can(cidrhost(var.range, 0)) && tonumber(split("/", var.range)[1]) <= 26
    error_message = "`range` must be an IPv4 range of /26 or larger, such as 10.20.0.0/26."
  }
}

resource "google_compute_network" "egress" {
  #checkov:skip=CKV2_GCP_18:A custom network refuses everything from outside by itself, and nothing in it listens.
  project                 = var.project_id
  name                    = var.name
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "egress" {
  #checkov:skip=CKV_GCP_26:Flow logs would cost more than the job; the program logs each of its calls itself.
  project                  = var.project_id
  region                   = var.region
  name                     = var.name
  network                  = google_compute_network.egress.id
  ip_cidr_range            = var.range
  private_ip_google_access = true
}

resource "google_compute_address" "egress" {
  project = var.project_id
  region  = var.region
  name    = var.name
}

resource "google_compute_router" "egress" {
  project = var.project_id
  region  = var.region
  name    = var.name
  network = google_compute_network.egress.id
}

resource "google_compute_router_nat" "egress" {
  project                            = var.project_id
  region                             = var.region
  name                               = var.name
  router                             = google_compute_router.egress.name
  nat_ip_allocate_option             = "MANUAL_ONLY"
  nat_ips                            = [google_compute_address.egress.self_link]
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.egress.id
    source_ip_ranges_to_nat = ["PRIMARY_IP_RANGE"]
  }
}

output "network" {
  description = "What the job connects to. It waits for the way out, so that no run leaves by another."
  value       = { network = google_compute_network.egress.id, subnetwork = google_compute_subnetwork.egress.id }
  depends_on  = [google_compute_router_nat.egress]
}

output "address" {
  description = "The static address, for the allow-lists of Halo and Jira."
  value       = google_compute_address.egress.address
}
