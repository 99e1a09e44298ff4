"""Metrics pages as real servers write them, shortened."""

from __future__ import annotations

VLLM = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="llama"} 3.0
vllm:num_requests_running{engine="1",model_name="llama"} 4.0
vllm:num_requests_waiting{engine="0",model_name="llama"} 0.0
vllm:num_requests_waiting{engine="1",model_name="llama"} 2.0
vllm:kv_cache_usage_perc{engine="0",model_name="llama"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="llama"} 0.75
vllm:cache_config_info{block_size="16",cache_dtype="auto",engine="0",num_gpu_blocks="1000"} 1.0
vllm:cache_config_info{block_size="16",cache_dtype="auto",engine="1",num_gpu_blocks="1000"} 1.0
vllm:prompt_tokens_total{engine="0",model_name="llama"} 1000.0
vllm:prompt_tokens_total{engine="1",model_name="llama"} 500.0
vllm:generation_tokens_total{engine="0",model_name="llama"} 2000.0
vllm:num_preemptions_total{engine="0",model_name="llama"} 1.0
vllm:request_queue_time_seconds_bucket{engine="0",le="0.3",model_name="llama"} 8.0
vllm:request_queue_time_seconds_bucket{engine="0",le="+Inf",model_name="llama"} 10.0
vllm:request_queue_time_seconds_count{engine="0",model_name="llama"} 10.0
vllm:request_queue_time_seconds_sum{engine="0",model_name="llama"} 4.0
vllm:request_prompt_tokens_sum{engine="0",model_name="llama"} 1000.0
vllm:request_prompt_tokens_count{engine="0",model_name="llama"} 10.0
vllm:request_queue_time_seconds_created{engine="0",model_name="llama"} 1.7e+09
"""

VLLM_EARLIER = """\
vllm:num_requests_running{model_name="llama"} 3.0
vllm:gpu_cache_usage_perc{model_name="llama"} 0.5
vllm:time_per_output_token_seconds_sum{model_name="llama"} 5.0
vllm:time_per_output_token_seconds_count{model_name="llama"} 100.0
"""

SGLANG = """\
sglang:num_running_reqs{model_name="llama"} 5.0
sglang:num_queue_reqs{model_name="llama"} 0.0
sglang:token_usage{model_name="llama"} 0.28
sglang:max_total_num_tokens{model_name="llama"} 161721.0
sglang:generation_tokens_total{model_name="llama"} 7.557572e+06
sglang:queue_time_seconds_sum{model_name="llama"} 3.0
sglang:queue_time_seconds_count{model_name="llama"} 6.0
"""

TGI = """\
tgi_batch_current_size 7
tgi_queue_size 2
tgi_request_queue_duration_sum 1.5
tgi_request_queue_duration_count 3
tgi_request_generated_tokens_sum 300
tgi_request_generated_tokens_count 3
tgi_request_inference_duration_sum 6
tgi_request_inference_duration_count 3
"""

LLAMACPP = """\
# HELP llamacpp:prompt_tokens_total Number of prompt tokens processed.
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 143
llamacpp:prompt_seconds_total 8.168
llamacpp:tokens_predicted_total 673
llamacpp:tokens_predicted_seconds_total 29.567
llamacpp:requests_processing 2
llamacpp:requests_deferred 1
"""

LITELLM = """\
litellm_in_flight_requests{pid="7"} 2.0
litellm_in_flight_requests{pid="8"} 3.0
litellm_overhead_latency_metric_sum{model_group="m"} 0.5
litellm_overhead_latency_metric_count{model_group="m"} 10.0
"""

ROUTER = """\
api_router_backend_request_duration_seconds_sum{backend_id="a",model="m"} 12.0
api_router_backend_request_duration_seconds_count{backend_id="a",model="m"} 4.0
"""

DCGM = """\
DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-a",device="nvidia0",modelName="NVIDIA L4",Hostname="n"} 87
DCGM_FI_DEV_GPU_UTIL{gpu="1",UUID="GPU-b",device="nvidia1",modelName="NVIDIA L4",Hostname="n"} 0
DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-a",device="nvidia0",modelName="NVIDIA L4",Hostname="n"} 18000
DCGM_FI_DEV_FB_FREE{gpu="0",UUID="GPU-a",device="nvidia0",modelName="NVIDIA L4",Hostname="n"} 5500
DCGM_FI_DEV_FB_RESERVED{gpu="0",UUID="GPU-a",device="nvidia0",modelName="NVIDIA L4",Hostname="n"} 500
DCGM_FI_DEV_FB_USED{gpu="1",UUID="GPU-b",device="nvidia1",modelName="NVIDIA L4",Hostname="n"} 9223372036854775794
"""
