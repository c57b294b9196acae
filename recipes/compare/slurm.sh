#!/usr/bin/env bash
#SBATCH --job-name=compare
#SBATCH --cpus-per-task=1
#SBATCH --mem=4G
#SBATCH --requeue
# One run of a comparison per task of a job array, from the checkout, in an environment that has
# the recipes' requirements:
#
#     python -m recipes.compare run --plan --grid DIR --prepared DIR 'corpora=[emodb]'
#     sbatch --array=1-RUNS recipes/compare/slurm.sh DIR PREPARED_DIR
#
# Both folders must be on a file system that all nodes share. A run that is done is not run again:
# the same job can be submitted as often as it takes.
set -euo pipefail
export TF_NUM_INTRAOP_THREADS=${SLURM_CPUS_PER_TASK:-1} OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
exec python -m recipes.compare run-one "$SLURM_ARRAY_TASK_ID" --grid "$1" --prepared "$2"
